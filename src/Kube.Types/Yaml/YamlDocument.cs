using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>One object read from YAML, with the place in the text of everything in it.</summary>
/// <param name="Root">The object. The caller's to change.</param>
public sealed record YamlDocument(JsonObject Root, YamlPositions Positions);

/// <summary>A place in a text, counted from 1.</summary>
public readonly record struct YamlPosition(int Line, int Column)
{
    public override string ToString() => $"line {Line}, column {Column}";
}

/// <summary>Where the fields of a document stand in its text.</summary>
public sealed class YamlPositions
{
    private readonly Dictionary<string, YamlPosition> _places;
    private readonly string _prefix;

    internal YamlPositions(Dictionary<string, YamlPosition> places, string prefix)
    {
        _places = places;
        _prefix = prefix;
    }

    /// <summary>For what was not read from a text.</summary>
    public static YamlPositions None { get; } = new([], "");

    /// <summary>The begin of the document.</summary>
    public YamlPosition Start => Locate("");

    /// <summary>
    /// The place of a field, named as in field errors: <c>spec.mpiReplicaSpecs[Worker].template.spec.containers[0]</c>. A field
    /// that does not stand in the text (a missing one, say) has the place of the nearest thing around it that does. The place
    /// of a map's member is that of its key.
    /// </summary>
    public YamlPosition Locate(string fieldPath)
    {
        var best = _places.GetValueOrDefault(_prefix, new YamlPosition(1, 1));
        var path = _prefix;
        foreach (var step in Steps(fieldPath))
        {
            path = Join(path, step);
            if (!_places.TryGetValue(path, out var place)) return best;
            best = place;
        }

        return best;
    }

    /// <summary>Steps are joined by a character that YAML allows in no key, so that keys may hold dots, slashes and brackets.</summary>
    internal static string Join(string path, string step) => $"{path}\0{step}";

    private static IEnumerable<string> Steps(string fieldPath)
    {
        for (var at = 0; at < fieldPath.Length;)
        {
            if (fieldPath[at] == '.')
            {
                at++;
                continue;
            }

            var bracket = fieldPath[at] == '[';
            var start = bracket ? at + 1 : at;
            var end = fieldPath.AsSpan(start).IndexOfAny(bracket ? "]" : ".[");
            end = end < 0 ? fieldPath.Length : start + end;
            yield return fieldPath[start..end];
            at = bracket ? end + 1 : end;
        }
    }
}
