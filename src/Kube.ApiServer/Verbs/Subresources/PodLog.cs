using System.Collections.Immutable;
using System.Globalization;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>GET <c>pods/NAME/log</c>.</summary>
internal static class PodLog
{
    private static readonly ResourceKind OptionsKind = new("", "v1", "PodLogOptions", "podlogoptions", Namespaced: true);

    public static async ValueTask<ApiResponse> OpenAsync(ServerState server, ResourceCall call, CancellationToken cancellation)
    {
        var options = Options(server, call);
        var pod = JsonTree.Read(Reading.Get(server, call).Utf8);
        var container = PodContainers.Choose(pod, call);
        // A pod that no node has taken has no log; kube-apiserver says nothing, successfully.
        if (pod.Text("spec", "nodeName") is not { Length: > 0 } node) return new ApiResponse.Content([]) { Code = 204 };
        if (server.Options.PodLogs is not { } source) throw new ApiException(new ApiStatus(501, "NotImplemented", "no node of this cluster keeps logs"));
        return new ApiResponse.Bytes(await source.OpenAsync(new PodContainer(call.Namespace!, call.Name!, node, container), options, cancellation)) { ContentType = "text/plain" };
    }

    /// <summary>Read and checked before the pod is looked for, as kube-apiserver does.</summary>
    private static PodLogOptions Options(ServerState server, ResourceCall call)
    {
        var query = call.Query;
        var (tail, limit, seconds) = (query.Integer("tailLines"), query.Integer("limitBytes"), query.Integer("sinceSeconds"));
        DateTimeOffset? since = null;
        if (query.Text("sinceTime") is { Length: > 0 } text)
        {
            if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) throw Failures.BadRequest($"parsing time \"{text}\" as RFC 3339: it must be like \"2006-01-02T15:04:05Z\"");
            since = time;
        }

        var errors = ImmutableArray.CreateBuilder<FieldError>();
        if (tail < 0) errors.Add(FieldError.Invalid("tailLines", $"{tail}", "must be greater than or equal to 0"));
        if (limit < 1) errors.Add(FieldError.Invalid("limitBytes", $"{limit}", "must be greater than 0"));
        if (since is not null && seconds is not null) errors.Add(FieldError.Forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
        if (seconds < 1) errors.Add(FieldError.Invalid("sinceSeconds", $"{seconds}", "must be greater than 0"));
        // One stream alone (PodLogsQuerySplitStreams) is alpha and off up to 1.36.
        if (query.Text("stream").Length > 0) errors.Add(FieldError.Forbidden("stream", "may not be specified"));
        if (errors.Count > 0) throw Failures.Invalid(OptionsKind, call.Name!, errors.ToImmutable());
        if (seconds is { } ago) since = server.Time.GetUtcNow() - TimeSpan.FromSeconds(ago);
        return new PodLogOptions(query.Flag("follow"), query.Flag("previous"), query.Flag("timestamps"), tail, limit, since);
    }
}
