using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// What a conversion back must change in what it finds by itself, as it stands in an annotation of the converted object:
/// <code>{"spec":"90a7f4d0c3b2e115","changes":[{"op":"replace","path":"/spec/cleanPodPolicy","value":""}]}</code>
/// The digests say of which object this is true: of its body but for status, and of its status.
/// </summary>
internal sealed record KeptValues(IReadOnlyList<JsonObject> Changes, string? SpecDigest, string? StatusDigest)
{
    /// <summary>An API server takes 256 KiB of annotations, and other programs want some of them.</summary>
    private const int BytesMax = 128 * 1024;
    private const int LostTextMax = 512;

    /// <param name="changes">Operations of a JSON patch.</param>
    /// <param name="job">The object that is to carry them.</param>
    public static KeptValues Of(List<JsonObject> changes, JsonElement job) => new(
        changes,
        changes.Exists(static c => !IsOfStatus(c)) ? SpecDigestOf(job) : null,
        changes.Exists(IsOfStatus) ? StatusDigestOf(job) : null);

    /// <summary>Null for what nobody here has written: annotations are anybody's to edit.</summary>
    public static KeptValues? Parse(string text)
    {
        try
        {
            var read = JsonElement.Parse(text, JsonText.Options);
            var changes = read.Items("changes").Select(static c => c.ToTree()).OfType<JsonObject>().ToList();
            return new KeptValues(changes, read.Text("spec"), read.Text("status"));
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The changes of status and those of all else, and whether the object is as it was when they were noted.</summary>
    public IEnumerable<(IReadOnlyList<JsonObject> Operations, bool IsUnchanged)> Parts(JsonElement job)
    {
        var status = Changes.Where(IsOfStatus).ToList();
        var rest = Changes.Where(static c => !IsOfStatus(c)).ToList();
        if (rest.Count > 0) yield return (rest, SpecDigest == SpecDigestOf(job));
        if (status.Count > 0) yield return (status, StatusDigest == StatusDigestOf(job));
    }

    /// <summary>As text that an annotation can hold: where it is too long the largest groups are left out, and named.</summary>
    /// <param name="groupOf">What belongs together.</param>
    /// <param name="dropped">For people, with sizes; empty where all is kept.</param>
    /// <returns>Null when nothing is left.</returns>
    public string? Write(FieldGroup groupOf, out string dropped)
    {
        var left = Changes;
        var text = Text(left);
        var lost = new List<string>();
        while (Encoding.UTF8.GetByteCount(text) > BytesMax)
        {
            var (name, size) = left.GroupBy(c => groupOf(JsonDelta.PathOf(c))).Select(static g => (g.Key, Size: g.Sum(static c => c.ToUtf8().Length))).MaxBy(static g => g.Size);
            left = [.. left.Where(c => groupOf(JsonDelta.PathOf(c)) != name)];
            lost.Add(string.Create(CultureInfo.InvariantCulture, $"{Short(name)} ({size} bytes)"));
            text = Text(left);
        }

        dropped = Short(string.Join(", ", lost), LostTextMax);
        return left.Count > 0 ? text : null;
    }

    private string Text(IReadOnlyList<JsonObject> changes)
    {
        var tree = new JsonObject();
        if (SpecDigest is not null) tree["spec"] = SpecDigest;
        if (StatusDigest is not null) tree["status"] = StatusDigest;
        tree["changes"] = new JsonArray([.. changes.Select(static c => c.DeepClone())]);
        return Encoding.UTF8.GetString(tree.ToUtf8());
    }

    private static bool IsOfStatus(JsonObject change) => JsonDelta.PathOf(change) is ["status", ..];

    private static string StatusDigestOf(JsonElement job) => JsonDigest.Of(job.At("status"));

    private static string SpecDigestOf(JsonElement job)
    {
        var rest = new JsonObject();
        foreach (var member in job.Members())
        {
            if (member.Name is not ("apiVersion" or "kind" or "metadata" or "status")) rest[member.Name] = member.Value.ToTree();
        }

        return JsonDigest.Of(JsonText.Parse(rest));
    }

    private static string Short(string text, int length = 64)
    {
        if (text.Length <= length) return text;
        return (char.IsHighSurrogate(text[length - 1]) ? text[..(length - 1)] : text[..length]) + "...";
    }
}
