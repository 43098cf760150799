using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>JSON merge patch (RFC 7386). Pure: arguments stay as they are and share nothing with the result.</summary>
public static class MergePatch
{
    public static JsonNode? Apply(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes) return patch?.DeepClone();
        var result = target is JsonObject old ? (JsonObject)old.DeepClone() : [];
        ApplyTo(result, changes);
        return result;
    }

    private static void ApplyTo(JsonObject target, JsonObject changes)
    {
        foreach (var (name, value) in changes)
        {
            if (value is null) target.Remove(name);
            else if (value is not JsonObject nested) target[name] = value.DeepClone();
            else
            {
                if (target[name] is not JsonObject inner) target[name] = inner = [];
                ApplyTo(inner, nested);
            }
        }
    }

    /// <summary>
    /// The smallest merge patch that makes <paramref name="to"/> of <paramref name="from"/>; empty when they are equal. A merge
    /// patch cannot set a member to null, so a null in <paramref name="to"/> counts as absent.
    /// </summary>
    public static JsonObject Diff(JsonObject from, JsonObject to)
    {
        var patch = new JsonObject();
        foreach (var (name, old) in from)
        {
            if (old is not null && to[name] is null) patch[name] = null;
        }

        foreach (var (name, wanted) in to)
        {
            if (wanted is null) continue;
            var old = from[name];
            if (old is JsonObject before && wanted is JsonObject after)
            {
                var nested = Diff(before, after);
                if (nested.Count > 0) patch[name] = nested;
            }
            else if (!JsonNode.DeepEquals(old, wanted)) patch[name] = wanted is JsonObject made ? Diff([], made) : wanted.DeepClone();
        }

        return patch;
    }
}
