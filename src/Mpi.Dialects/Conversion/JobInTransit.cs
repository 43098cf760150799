using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// A job on its way into another dialect. It knows which of its fields were taken: what is left in the end has no counterpart there, and is named, so that no
/// translation can forget to.
/// </summary>
internal sealed class JobInTransit
{
    private const char Separator = '\n';

    /// <summary>What a client notes of the very manifest.</summary>
    private const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    /// <summary>Of metadata: all else is the server's, and of no meaning in a manifest of another kind.</summary>
    private static readonly string[] Carried = ["name", "generateName", "namespace", "labels"];

    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private readonly List<string> _left = [];
    private readonly List<ManifestWarning> _remarks = [];

    public JobInTransit(JsonElement manifest)
    {
        Manifest = manifest;
        Take("apiVersion");
        Take("kind");
        foreach (var member in Carried)
        {
            if (Take("metadata", member) is { ValueKind: not JsonValueKind.Undefined } value) Metadata[member] = value.ToTree();
        }

        foreach (var annotation in manifest.Members("metadata", "annotations"))
        {
            // Notes of conversions within kubeflow's group are about the very object.
            if (JobAnnotations.IsOurs(annotation.Name)) Take("metadata", "annotations", annotation.Name);
            else if (annotation.Name != LastApplied) Annotations[annotation.Name] = Take("metadata", "annotations", annotation.Name).ToTree();
        }
    }

    public JsonElement Manifest { get; }

    /// <summary>The metadata of the result, without annotations.</summary>
    public JsonObject Metadata { get; } = [];

    /// <summary>The result's: those of the job, for a translation to add to and to take from.</summary>
    public JsonObject Annotations { get; } = [];

    public IReadOnlyList<ManifestWarning> Remarks => _remarks;

    /// <summary>Why it cannot become what was asked for, beyond single fields.</summary>
    public List<FieldError> Faults { get; } = [];

    /// <summary>A field, which the result has or means; undefined when it is absent.</summary>
    public JsonElement Take(params ReadOnlySpan<string> path)
    {
        _taken.Add(string.Join(Separator, path!));
        return Manifest.At(path);
    }

    /// <summary>A field as a member of the result, where it is there.</summary>
    public void Move(JsonObject target, string member, params ReadOnlySpan<string> path) => JobFields.Put(target, member, Take(path));

    /// <summary>A field whose value says no more than its absence.</summary>
    public void TakeDefault(string value, params ReadOnlySpan<string> path)
    {
        var present = Manifest.At(path);
        if (present.ValueKind != JsonValueKind.Undefined && (present.ValueKind == JsonValueKind.String ? present.GetString() : present.GetRawText()) == value) Take(path);
    }

    /// <summary>An annotation whose meaning the result has elsewhere.</summary>
    public string? TakeAnnotation(string name)
    {
        var value = Manifest.Text("metadata", "annotations", name);
        Annotations.Remove(name);
        return value;
    }

    /// <summary>Something within a field that was taken, which the result has not.</summary>
    public void Leave(string path) => _left.Add(path);

    /// <summary>Annotations that mean nothing there, or not with this value.</summary>
    public void LeaveAnnotation(string name)
    {
        if (Annotations.Remove(name)) Leave($"metadata.annotations[{name}]");
    }

    /// <summary>What the result means otherwise than one would think.</summary>
    public void Remark(string path, string message) => _remarks.Add(new ManifestWarning(path, message));

    /// <summary>The fields that nobody took, outermost first.</summary>
    public IEnumerable<string> Left => [.. Untaken(Manifest, []), .. _left];

    private IEnumerable<string> Untaken(JsonElement value, List<string> path)
    {
        foreach (var member in value.Members())
        {
            List<string> inner = [.. path, member.Name];
            var key = string.Join(Separator, inner);
            if (_taken.Contains(key)) continue;
            if (_taken.Any(t => t.StartsWith(key + Separator, StringComparison.Ordinal)))
            {
                foreach (var left in Untaken(member.Value, inner)) yield return left;
            }
            else if (!IsNothing(member.Value))
            {
                yield return Print(inner);
            }
        }
    }

    private static bool IsNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    private static string Print(List<string> path)
    {
        var text = path[0];
        for (var i = 1; i < path.Count; i++) text += path[i - 1] is "annotations" or "mpiReplicaSpecs" ? $"[{path[i]}]" : $".{path[i]}";
        return text;
    }
}
