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
        if (call.Request.Method == "GET") return Show(View(Drafting.Open(Reading.Get(server, call), strategy), paths));
        var context = new WriteContext(server, call);
        var body = call.Request;
        var type = body.ContentType.Split(';')[0].Trim();
        var (stored, _) = type == MediaType.ApplyPatch
            ? ApplyPatch.Apply(context, given => Configuration(given, paths, context), cancellation)
            : Updating.Update(context, (current, _) => new Wanted(Change(current, paths, context, type)), null, cancellation);
        return Show(View(Drafting.Open(stored, strategy), paths));

        ApiResponse Show(JsonObject scale) => ApiResponse.Of(Negotiation.WantsTable(call, server.Time) ? TableRepresentation.Of(scale, Columns, call.Query.Text("includeObject"), server.Time) : scale);
    }

    private static readonly ImmutableArray<TableColumn> Columns =
    [
        TableRepresentation.NameColumn,
        TableColumn.Number("Desired", static s => s.Integer("spec", "replicas") ?? 0),
        TableColumn.Number("Available", static s => s.Integer("status", "replicas") ?? 0),
        TableColumn.Age,
    ];

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

    /// <summary>
    /// What an applied Scale says of its object: the number of replicas. Fields are owned where they stand in the object,
    /// with the subresource named beside them.
    /// </summary>
    private static JsonObject Configuration(JsonObject scale, ScalePaths paths, WriteContext context)
    {
        ApplyPatch.Checked(scale, ScaleKind.ApiVersion, ScaleKind.Kind, FieldTypes.Of(ShapeCatalog.Find(ScaleKind.Kind)!));
        var config = new JsonObject { ["apiVersion"] = context.Kind.ApiVersion, ["kind"] = context.Kind.Kind, ["metadata"] = new JsonObject { ["name"] = context.Call.Name } };
        if (scale.Text("metadata", "resourceVersion") is { Length: > 0 } revision) config.Object("metadata")["resourceVersion"] = revision;
        if (scale.At("spec", "replicas") is not { } replicas) return config;
        var tree = config;
        foreach (var step in paths.SpecReplicas.AsSpan()[..^1]) tree = tree.Object(step);
        tree[paths.SpecReplicas[^1]] = replicas.DeepClone();
        return config;
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
            // None is not written, as Scale has it.
            ["spec"] = obj.Integer(paths.SpecReplicas.AsSpan()) is { } replicas and not 0 ? new JsonObject { ["replicas"] = replicas } : [],
            ["status"] = status,
        };
    }
}
