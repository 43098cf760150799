using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The rules of <c>metadata</c>, the same for all kinds (<c>k8s.io/apimachinery/pkg/api/validation</c>).</summary>
internal static class ObjectMetadata
{
    private const int AnnotationBytesMax = 256 * 1024;

    /// <summary>A generated name's base is cut, so that base and ending stay within a DNS label.</summary>
    private const int GeneratedBaseMax = 58;

    /// <summary>Metadata of a new object: what the client said, without what only the server says, and what the server says.</summary>
    public static void PrepareNew(JsonObject obj, WriteContext context)
    {
        var meta = obj.Object("metadata");
        foreach (var member in new[] { "selfLink", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation" }) meta.Remove(member);
        if (context.Kind.Namespaced) meta["namespace"] = context.Call.Namespace;
        else meta.Remove("namespace");
        if (string.IsNullOrEmpty(meta.Text("name")) && meta.Text("generateName") is { Length: > 0 } start)
        {
            meta["name"] = start[..Math.Min(start.Length, GeneratedBaseMax)] + context.Server.Entropy.NameEnding();
        }

        meta["uid"] = context.Server.Entropy.NewUid();
        meta["creationTimestamp"] = KubeTime.Format(context.Now);
        if (context.Strategy.HasGeneration) meta["generation"] = 1;
        DropEmpty(meta);
    }

    /// <summary>Puts back what an update may not change.</summary>
    public static void Preserve(JsonObject obj, JsonObject old, WriteContext context)
    {
        var meta = obj.Object("metadata");
        var before = old["metadata"]!.AsObject();
        foreach (var member in new[] { "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName", "namespace", "name" })
        {
            if (before[member] is { } value) meta[member] = value.DeepClone();
            else meta.Remove(member);
        }

        meta.Remove("selfLink");
        DropEmpty(meta);
    }

    public static void Validate(JsonObject obj, WriteContext context, List<FieldError> errors)
    {
        var meta = obj["metadata"]!.AsObject();
        var name = meta.Text("name") ?? "";
        if (name.Length == 0) errors.Add(FieldError.Required("metadata.name", "name or generateName is required"));
        else foreach (var fault in context.Strategy.CheckName(name)) errors.Add(FieldError.Invalid("metadata.name", Quote(name), fault));

        Labels(meta["labels"], "metadata.labels", errors);
        Annotations(meta["annotations"], "metadata.annotations", errors);
        Finalizers(meta, context.Strategy.RequiresQualifiedFinalizers, errors);
        Owners(meta, errors);
    }

    public static void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (old.Text("metadata", "deletionTimestamp") is null) return;
        var added = obj.Texts("metadata", "finalizers").Except(old.Texts("metadata", "finalizers"), StringComparer.Ordinal).ToList();
        if (added.Count > 0)
        {
            errors.Add(new FieldError("metadata.finalizers", FieldErrorKind.Forbidden, null,
                $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{string.Join(", ", added.Select(Quote))}}}"));
        }
    }

    public static void Labels(JsonNode? labels, string path, List<FieldError> errors)
    {
        foreach (var (key, value) in labels.Members() ?? [])
        {
            foreach (var fault in Names.CheckQualifiedName(key)) errors.Add(FieldError.Invalid(path, Quote(key), fault));
            if (value.Text() is not { } text) errors.Add(FieldError.Invalid($"{path}[{key}]", value?.ToJsonString() ?? "null", "a label's value must be a string"));
            else foreach (var fault in Names.CheckLabelValue(text)) errors.Add(FieldError.Invalid(path, Quote(text), fault));
        }
    }

    public static void Annotations(JsonNode? annotations, string path, List<FieldError> errors)
    {
        var size = 0;
        foreach (var (key, value) in annotations.Members() ?? [])
        {
            // Annotation keys may be in capitals, labels' too, but their prefix is compared in lower case.
            foreach (var fault in Names.CheckQualifiedName(key.ToLowerInvariant())) errors.Add(FieldError.Invalid(path, Quote(key), fault));
            if (value.Text() is not { } text) errors.Add(FieldError.Invalid($"{path}[{key}]", value?.ToJsonString() ?? "null", "an annotation's value must be a string"));
            else size += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(text);
        }

        if (size > AnnotationBytesMax) errors.Add(new FieldError(path, FieldErrorKind.TooLong, null, $"may not be more than {AnnotationBytesMax} bytes"));
    }

    public static string Quote(string text) => $"\"{text}\"";

    private static void Finalizers(JsonObject meta, bool qualified, List<FieldError> errors)
    {
        foreach (var (index, finalizer) in meta.Texts("finalizers").Index())
        {
            foreach (var fault in Names.CheckQualifiedName(finalizer)) errors.Add(FieldError.Invalid("metadata.finalizers", Quote(finalizer), fault));
            if (qualified && !finalizer.Contains('/') && finalizer is not ("orphan" or "foregroundDeletion" or "kubernetes"))
            {
                errors.Add(FieldError.Invalid($"metadata.finalizers[{index}]", Quote(finalizer), "name is neither a standard finalizer name nor is it fully qualified"));
            }
        }

        if (meta.Texts("finalizers").Contains("orphan") && meta.Texts("finalizers").Contains("foregroundDeletion"))
        {
            errors.Add(FieldError.Invalid("metadata.finalizers", meta["finalizers"]!.ToJsonString(), "finalizer orphan and foregroundDeletion cannot be both set"));
        }
    }

    private static void Owners(JsonObject meta, List<FieldError> errors)
    {
        string? controller = null;
        foreach (var (_, owner) in meta.Objects("ownerReferences"))
        {
            foreach (var member in new[] { "apiVersion", "kind", "name", "uid" })
            {
                if (string.IsNullOrEmpty(owner.Text(member))) errors.Add(FieldError.Invalid($"metadata.ownerReferences.{member}", "\"\"", member == "apiVersion" ? "version must not be empty" : "must not be empty"));
            }

            if (owner.Flag("controller") != true) continue;
            if (controller is not null)
            {
                errors.Add(FieldError.Invalid("metadata.ownerReferences", meta["ownerReferences"]!.ToJsonString(),
                    $"Only one reference can have Controller set to true. Found \"true\" in references for {controller} and {owner.Text("name")}"));
            }

            controller = owner.Text("name");
        }
    }

    /// <summary>Kubernetes writes no empty maps and lists in metadata.</summary>
    public static void DropEmpty(JsonObject meta)
    {
        foreach (var member in new[] { "labels", "annotations", "finalizers", "ownerReferences" })
        {
            if (meta.ContainsKey(member) && meta[member] is null or JsonObject { Count: 0 } or JsonArray { Count: 0 }) meta.Remove(member);
        }

        if (meta.Text("generateName") is "") meta.Remove("generateName");
    }
}
