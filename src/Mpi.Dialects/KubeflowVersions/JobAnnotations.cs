using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>The annotations of a job that is being converted.</summary>
internal static class JobAnnotations
{
    /// <param name="canKeep">False where metadata or its annotations are no object: then there is no place to keep anything.</param>
    public static Dictionary<string, string> Read(JsonElement job, out bool canKeep)
    {
        var (metadata, annotations) = (job.At("metadata"), job.At("metadata", "annotations"));
        canKeep = IsObjectOrAbsent(metadata) && IsObjectOrAbsent(annotations);
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in annotations.Members())
        {
            if (entry.Value.ValueKind == JsonValueKind.String && IsOurs(entry.Name)) read[entry.Name] = entry.Value.GetString()!;
        }

        return read;

        static bool IsObjectOrAbsent(JsonElement value) => value.ValueKind is JsonValueKind.Object or JsonValueKind.Null or JsonValueKind.Undefined;
    }

    /// <summary>
    /// A stored job says which version it was written in unless it is the stored one, and a job in any version says so unless it is its own: so an
    /// object that is read in one version and written back keeps its origin.
    /// </summary>
    public static void NoteOrigin(Dictionary<string, string> annotations, string from, string to)
    {
        var origin = annotations.GetValueOrDefault(KubeMpiAnnotations.Origin, from);
        if (origin == to) annotations.Remove(KubeMpiAnnotations.Origin);
        else annotations[KubeMpiAnnotations.Origin] = origin;
    }

    /// <summary>Puts ours in place of what stood there of ours; the others stay as they are.</summary>
    public static void Write(JsonObject job, Dictionary<string, string> ours)
    {
        var metadata = job["metadata"] as JsonObject ?? [];
        var annotations = metadata["annotations"] as JsonObject ?? [];
        foreach (var key in annotations.Select(static a => a.Key).Where(IsOurs).Where(k => !ours.ContainsKey(k)).ToList()) annotations.Remove(key);
        foreach (var (key, value) in ours.OrderBy(static a => a.Key, StringComparer.Ordinal)) annotations[key] = value;

        Put(metadata, "annotations", annotations);
        Put(job, "metadata", metadata);
    }

    /// <summary>Nothing stays absent, and what has become empty goes.</summary>
    private static void Put(JsonObject parent, string member, JsonObject value)
    {
        if (value.Count == 0) parent.Remove(member);
        else if (parent[member] != value) parent[member] = value;
    }

    /// <summary>Whether a conversion has written it.</summary>
    public static bool IsOurs(string key) => key is KubeMpiAnnotations.Origin or KubeMpiAnnotations.Lost || key.StartsWith(KubeMpiAnnotations.KeptPrefix, StringComparison.Ordinal);
}
