using System.Globalization;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>GET <c>pods/NAME/log</c>.</summary>
internal static class PodLog
{
    public static async ValueTask<ApiResponse> OpenAsync(ServerState server, ResourceCall call, CancellationToken cancellation)
    {
        var pod = JsonTree.Read(Reading.Get(server, call).Utf8);
        var container = Container(pod, call);
        if (server.Options.PodLogs is not { } source) throw new ApiException(new ApiStatus(501, "NotImplemented", "no node of this cluster keeps logs"));
        if (string.IsNullOrEmpty(pod.Text("spec", "nodeName")))
        {
            // A pod that no node has taken has no log; kube-apiserver answers with an empty one.
            return new ApiResponse.Content([]) { ContentType = "text/plain" };
        }

        var stream = await source.OpenAsync(call.Namespace!, call.Name!, container, Options(server, call), cancellation);
        return new ApiResponse.Bytes(stream) { ContentType = "text/plain" };
    }

    private static string Container(System.Text.Json.Nodes.JsonObject pod, ResourceCall call)
    {
        var names = pod.Objects("spec", "containers").Select(static c => c.Item.Text("name")!).ToList();
        var init = pod.Objects("spec", "initContainers").Select(static c => c.Item.Text("name")!).ToList();
        var asked = call.Query.Text("container");
        if (asked.Length > 0)
        {
            return names.Concat(init).Contains(asked) ? asked : throw Failures.BadRequest($"container {asked} is not valid for pod {call.Name}");
        }

        if (names.Count == 1) return names[0];
        var choice = $"a container name must be specified for pod {call.Name}, choose one of: [{string.Join(' ', names)}]";
        if (init.Count > 0) choice += $" or one of the init containers: [{string.Join(' ', init)}]";
        throw Failures.BadRequest(choice);
    }

    private static PodLogOptions Options(ServerState server, ResourceCall call)
    {
        var query = call.Query;
        DateTimeOffset? since = query.Integer("sinceSeconds") is { } seconds ? server.Time.GetUtcNow() - TimeSpan.FromSeconds(seconds) : null;
        if (query.Text("sinceTime") is { Length: > 0 } text)
        {
            if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) throw Failures.BadRequest($"sinceTime: Invalid value: \"{text}\": it must be an RFC 3339 time");
            since = time;
        }

        if (query.Integer("tailLines") < 0) throw Invalid("tailLines", query.Text("tailLines"), "must be greater than or equal to 0");
        if (query.Integer("limitBytes") < 1) throw Invalid("limitBytes", query.Text("limitBytes"), "must be greater than 0");
        return new PodLogOptions(query.Flag("follow"), query.Flag("previous"), query.Flag("timestamps"), query.Integer("tailLines"), query.Integer("limitBytes"), since);
    }

    private static ApiException Invalid(string field, string value, string rule) =>
        new(new ApiStatus(422, ApiReason.Invalid, $"PodLogOptions \"\" is invalid: {field}: Invalid value: {value}: {rule}"));
}
