using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// kubectl's way from client-side to server-side apply. What the annotation of the last client-side apply says, and still is so,
/// is kubectl's own: its first server-side apply takes it without a conflict. From then on the annotation is kept up to date.
/// </summary>
internal static class LastApplied
{
    private const string Annotation = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>The only manager for which this holds; any other name opts out.</summary>
    private const string Manager = "kubectl";

    private const int AnnotationBytesMax = 256 * 1024;

    /// <summary>Those of the conflicts that the annotation does not settle.</summary>
    public static ImmutableArray<FieldConflict> WithoutAllowed(ImmutableArray<FieldConflict> conflicts, JsonObject live, string manager, FieldType type)
    {
        if (manager != Manager || conflicts.IsEmpty || Read(live) is not { } last || last.Text("apiVersion") != live.Text("apiVersion") || FieldTyping.Check(last, type) is not null) return conflicts;
        var comparison = FieldComparison.Of(last, live, type);
        var allowed = FieldCollection.Of(last, type).Except(comparison.Written).Except(comparison.Removed);
        return conflicts.RemoveAll(c => allowed.Has(c.Path.AsSpan()));
    }

    /// <summary>Writes the configuration into the annotation, where there is one.</summary>
    public static void Sync(JsonObject applied, JsonObject config, string manager)
    {
        if (manager != Manager || applied.Text("metadata", "annotations", Annotation) is not { Length: > 0 }) return;
        var copy = (JsonObject)config.DeepClone();
        copy.Members("metadata", "annotations")?.Remove(Annotation);
        var text = Encoding.UTF8.GetString(Sorted(copy)!.ToUtf8()) + "\n";
        var annotations = applied.Object("metadata").Object("annotations");
        if (Encoding.UTF8.GetByteCount(text) > AnnotationBytesMax) annotations.Remove(Annotation);
        else annotations[Annotation] = text;
    }

    private static JsonObject? Read(JsonObject live)
    {
        if (live.Text("metadata", "annotations", Annotation) is not { Length: > 0 } text) return null;
        try
        {
            return JsonTree.Read(Encoding.UTF8.GetBytes(text), null) as JsonObject;
        }
        catch (JsonException)
        {
            // An annotation that is no JSON says nothing.
            return null;
        }
    }

    /// <summary>Members in the order of their names, as every client of Kubernetes writes this annotation.</summary>
    private static JsonNode? Sorted(JsonNode? value) => value switch
    {
        JsonObject members => new JsonObject(members.OrderBy(static m => m.Key, StringComparer.Ordinal).Select(static m => KeyValuePair.Create(m.Key, Sorted(m.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Sorted)]),
        _ => value?.DeepClone(),
    };
}
