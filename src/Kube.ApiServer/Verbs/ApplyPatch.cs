using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Server-side apply: a PATCH whose body is all that its author wants to say of an object. It is merged into the object, or
/// becomes one; fields that the author no longer names go; and what others own is changed only by force.
/// </summary>
internal static class ApplyPatch
{
    /// <param name="view">Makes, of a configuration of the subresource, one of the object; null where they are the same kind.</param>
    public static (StoredObject Object, bool Created) Apply(WriteContext context, Func<JsonObject, JsonObject>? view, CancellationToken cancellation)
    {
        var call = context.Call;
        var force = call.Query.Flag("force");
        var given = Read(context);
        var ownership = new FieldOwnership(context, context.Manager);
        var config = view is null ? Checked(given, context.Kind.ApiVersion, context.Kind.Kind, context.Strategy.FieldType) : view(given);
        return Updating.Update(context, Merge, call.Subresource is null ? Make : null, cancellation);

        Wanted Make()
        {
            if (string.IsNullOrEmpty(config.Text("metadata", "name"))) throw Failures.BadRequest($"the name of the object ({call.Name} based on URL) was undeterminable: name must be provided");
            if (config.Text("metadata", "uid") is { Length: > 0 } uid)
            {
                throw Failures.Conflict(context.Kind, call.Name!, $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            }

            var made = Merge([], ManagedFields.None);
            made.Object.Object("metadata").Remove("resourceVersion");
            return made;
        }

        Wanted Merge(JsonObject live, ManagedFields owners)
        {
            var (merged, after) = ownership.Apply(live, config, owners, force);
            Bodies.CheckMembers(merged, context);
            context.Strategy.Prune(merged);
            context.Strategy.Default(merged);
            return new Wanted(merged, after);
        }
    }

    private static JsonObject Read(WriteContext context)
    {
        var body = context.Call.Request.Body;
        var duplicates = new List<string>();
        JsonNode? tree;
        try
        {
            tree = TryJson(body, duplicates) ?? FromYaml(body);
        }
        catch (YamlSyntaxException broken)
        {
            throw Failures.BadRequest($"error decoding YAML: {broken.Message}");
        }

        if (duplicates.Count > 0)
        {
            var faults = string.Join(", ", duplicates.Select(static d => $"duplicate field \"{d}\""));
            if (context.FieldValidation == FieldValidation.Strict) throw Failures.BadRequest($"error strict decoding YAML: {faults}");
            if (context.FieldValidation == FieldValidation.Warn) context.Warnings.Add(faults);
        }

        return tree as JsonObject ?? throw Failures.BadRequest("error decoding YAML: an object is expected");
    }

    /// <summary>JSON is what clients send, and the quicker to read; null for what only YAML can be.</summary>
    private static JsonNode? TryJson(ReadOnlyMemory<byte> body, List<string> duplicates)
    {
        if (!body.Span.TrimStart(" \t\r\n"u8).StartsWith("{"u8)) return null;
        try
        {
            return JsonTree.Read(body, duplicates);
        }
        catch (JsonException)
        {
            // YAML's flow style begins so too.
            duplicates.Clear();
            return null;
        }
    }

    private static JsonNode? FromYaml(ReadOnlyMemory<byte> body) =>
        Yaml.Read(Encoding.UTF8.GetString(body.Span)) is [var only] ? only.Root.DeepClone() : null;

    /// <summary>The configuration, which must be of this kind and of its type.</summary>
    public static JsonObject Checked(JsonObject config, string apiVersion, string kind, FieldType type)
    {
        var (version, name) = (config.Text("apiVersion") ?? "", config.Text("kind") ?? "");
        if (version != apiVersion || name != kind)
        {
            throw Failures.BadRequest($"invalid object type: {(version.Contains('/', StringComparison.Ordinal) ? version : $"/{version}")}, Kind={name}");
        }

        if (config.At("metadata", "managedFields") is not null) throw Failures.BadRequest("metadata.managedFields must be nil");
        if (FieldTyping.Check(config, type) is { } fault) throw FieldOwnership.Untyped("patch", config, fault);
        return config;
    }
}
