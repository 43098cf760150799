using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Reading of request bodies.</summary>
internal static class Bodies
{
    /// <summary>The object of a create or update; unknown and duplicate members are dealt with as the request asks.</summary>
    public static JsonObject Object(WriteContext context)
    {
        var request = context.Call.Request;
        RequireKnownType(request);
        var duplicates = new List<string>();
        var tree = Parse(request, duplicates) as JsonObject
            ?? throw Failures.BadRequest($"the body of the request is no {context.Kind.Kind}: a JSON object is expected");
        CheckType(tree, context.Kind);
        CheckMembers(tree, context);
        Tidy(tree, duplicates, context);
        return tree;
    }

    /// <summary>The value of a body, JSON, YAML or Kubernetes' protobuf.</summary>
    public static JsonNode? Parse(ApiRequest request, List<string>? duplicates = null)
    {
        try
        {
            if (ProtobufReader.IsProtobuf(request.Body.Span)) return ProtobufReader.Read(request.Body.Span);
            return JsonTree.Read(request.ContentType.Split(';')[0].Trim() == MediaType.Yaml ? YamlAnswers.ToJson(request.Body) : request.Body, duplicates);
        }
        catch (FormatException broken)
        {
            throw Failures.BadRequest($"the object provided is unrecognized: {broken.Message}");
        }
        catch (JsonException broken)
        {
            throw Failures.BadRequest($"the object provided is unrecognized (must be of type JSON): {broken.Message}");
        }
    }

    /// <summary>Reports what the kind does not know, then removes it.</summary>
    public static void Tidy(JsonObject tree, List<string> duplicates, WriteContext context)
    {
        if (context.FieldValidation != FieldValidation.Ignore)
        {
            var faults = duplicates.ConvertAll(static p => $"duplicate field \"{p}\"");
            var unknown = new List<string>();
            foreach (var (name, _) in context.Strategy.Shape is null ? tree.Members("metadata") ?? [] : [])
            {
                if (!MetadataMembers.Contains(name)) unknown.Add($"metadata.{name}");
            }

            context.Strategy.FindUnknown(tree, unknown);
            faults.AddRange(unknown.Select(static p => $"unknown field \"{p}\""));
            if (faults.Count > 0 && context.FieldValidation == FieldValidation.Strict)
            {
                throw Failures.BadRequest($"{context.Kind.Kind} in version \"{context.Kind.Version}\" cannot be handled as a {context.Kind.Kind}: strict decoding error: {string.Join(", ", faults)}");
            }

            context.Warnings.AddRange(faults);
        }

        if (tree.Members("metadata") is { } meta)
        {
            foreach (var name in meta.Select(static m => m.Key).Where(static m => !MetadataMembers.Contains(m)).ToList()) meta.Remove(name);
        }

        context.Strategy.Prune(tree);
    }

    /// <summary>The members of <c>metav1.ObjectMeta</c>.</summary>
    private static readonly FrozenSet<string> MetadataMembers = new[]
    {
        "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers", "managedFields",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Values of a wrong type are refused before anything else is looked at, as by a decoder.</summary>
    public static void CheckMembers(JsonObject tree, WriteContext context)
    {
        if (context.Strategy.Shape is { } shape && ShapeChecking.FindMistyped(tree, shape) is { } fault)
        {
            throw Failures.BadRequest($"{context.Kind.Kind} in version \"{context.Kind.Version}\" cannot be handled as a {context.Kind.Kind}: {fault}");
        }
    }

    private static void RequireKnownType(ApiRequest request)
    {
        var type = request.ContentType.Split(';')[0].Trim();
        if (type is "" or MediaType.Json or MediaType.Yaml or MediaType.Protobuf) return;
        throw Failures.UnsupportedMediaType(MediaType.Json, MediaType.Yaml, MediaType.Protobuf);
    }

    private static void CheckType(JsonObject tree, ResourceKind kind)
    {
        // The URL says what the body is; a body that says nothing is taken at that word.
        tree.Default("kind", kind.Kind);
        tree.Default("apiVersion", kind.ApiVersion);
        if (tree.Text("apiVersion") is var version && version != kind.ApiVersion)
        {
            throw Failures.BadRequest($"the API version in the data ({version}) does not match the expected API version ({kind.ApiVersion})");
        }

        if (tree.Text("kind") is var given && given != kind.Kind)
        {
            throw Failures.BadRequest($"{given} in version \"{kind.Version}\" cannot be handled as a {kind.Kind}: no kind \"{given}\" is served at this resource");
        }
    }
}
