using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The subresource <c>scale</c>: an object's number of replicas in one form for all kinds (<c>autoscaling/v1 Scale</c>).</summary>
internal static class ScaleSubresource
{
    private static readonly ResourceKind ScaleKind = new("autoscaling", "v1", "Scale", "scales");

    public static ApiResponse Handle(ServerState server, ResourceCall call, ScalePaths paths, CancellationToken cancellation)
    {
        var strategy = call.Resource.Strategy;
        if (call.Request.Method == "GET") return ApiResponse.Of(View(Drafting.Open(Reading.Get(server, call), strategy), paths));
        var context = new WriteContext(server, call);
        var body = call.Request;
        var type = body.ContentType.Split(';')[0].Trim();
        var (stored, _) = Updating.Update(context, current => Change(current, paths, context, type), null, cancellation);
        return ApiResponse.Of(View(Drafting.Open(stored, strategy), paths));
    }

    private static JsonObject Change(JsonObject current, ScalePaths paths, WriteContext context, string type)
    {
        var scale = View(current, paths);
        var given = Bodies.Parse(context.Call.Request);
        var wanted = (context.Call.Request.Method, type, given) switch
        {
            ("PUT", _, JsonObject whole) => whole,
            ("PATCH", MediaType.JsonPatch, JsonArray operations) => JsonPatch.Apply(scale, operations) as JsonObject,
            ("PATCH", MediaType.MergePatch or MediaType.StrategicPatch, JsonObject merge) => MergePatch.Apply(scale, merge) as JsonObject,
            _ => null,
        };
        if (wanted is null) throw Failures.UnsupportedMediaType(MediaType.JsonPatch, MediaType.MergePatch);
        var replicas = wanted.Integer("spec", "replicas") ?? 0;
        if (replicas < 0) throw Failures.Invalid(ScaleKind, context.Call.Name!, [FieldError.Invalid("spec.replicas", $"{replicas}", "must be greater than or equal to 0")]);

        var tree = current;
        foreach (var step in paths.SpecReplicas.AsSpan()[..^1]) tree = tree.Object(step);
        tree[paths.SpecReplicas[^1]] = replicas;
        var revision = wanted.Text("metadata", "resourceVersion");
        current.Object("metadata")["resourceVersion"] = context.Call.Request.Method == "PUT" && string.IsNullOrEmpty(revision) ? current.Text("metadata", "resourceVersion") : revision;
        return current;
    }

    private static JsonObject View(JsonObject obj, ScalePaths paths)
    {
        var meta = new JsonObject();
        foreach (var member in new[] { "name", "namespace", "uid", "resourceVersion", "creationTimestamp" })
        {
            if (obj.At("metadata", member) is { } value) meta[member] = value.DeepClone();
        }

        var status = new JsonObject { ["replicas"] = obj.Integer(paths.StatusReplicas.AsSpan()) ?? 0 };
        var selector = paths.Selector.IsEmpty ? null : obj.At(paths.Selector.AsSpan());
        if ((selector.Text() ?? (selector is JsonObject ? PodTemplates.PrintSelector(selector) : null)) is { Length: > 0 } text) status["selector"] = text;
        return new JsonObject
        {
            ["kind"] = ScaleKind.Kind,
            ["apiVersion"] = ScaleKind.ApiVersion,
            ["metadata"] = meta,
            ["spec"] = new JsonObject { ["replicas"] = obj.Integer(paths.SpecReplicas.AsSpan()) ?? 0 },
            ["status"] = status,
        };
    }
}
