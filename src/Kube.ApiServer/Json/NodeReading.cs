using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>Lenient reading of trees, as <see cref="Kube.Types.JsonReading"/> does for elements: what is not there, or of another type, reads as absent.</summary>
internal static class NodeReading
{
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var step in path)
        {
            if (node is not JsonObject members || !members.TryGetPropertyValue(step, out node)) return null;
        }

        return node;
    }

    public static string? Text(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static long? Integer(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        if (node.At(path) is not JsonValue value || value.GetValueKind() != JsonValueKind.Number) return null;
        if (value.TryGetValue<long>(out var whole)) return whole;
        if (value.TryGetValue<int>(out var small)) return small;
        return value.TryGetValue<JsonElement>(out var element) && element.TryGetInt64(out var parsed) ? parsed : null;
    }

    public static bool? Flag(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    public static JsonObject? Members(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonObject;

    /// <summary>The objects within an array, with their places; items that are no objects are left out.</summary>
    public static IEnumerable<(int Index, JsonObject Item)> Objects(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        return node.At(path) is JsonArray items ? Pick(items) : [];

        static IEnumerable<(int, JsonObject)> Pick(JsonArray items)
        {
            for (var i = 0; i < items.Count; i++)
            {
                if (items[i] is JsonObject item) yield return (i, item);
            }
        }
    }

    public static IEnumerable<string> Texts(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        return node.At(path) is JsonArray items ? Pick(items) : [];

        static IEnumerable<string> Pick(JsonArray items)
        {
            foreach (var item in items)
            {
                if (item.Text() is { } text) yield return text;
            }
        }
    }

    public static IEnumerable<KeyValuePair<string, string>> TextMap(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        return node.At(path) is JsonObject members ? Pick(members) : [];

        static IEnumerable<KeyValuePair<string, string>> Pick(JsonObject members)
        {
            foreach (var (name, value) in members)
            {
                if (value.Text() is { } text) yield return new(name, text);
            }
        }
    }

    /// <summary>Sets a member that is absent or null.</summary>
    public static void Default(this JsonObject tree, string member, JsonNode value)
    {
        if (tree[member] is null) tree[member] = value;
    }

    /// <summary>The value as one word of text for a table or a field selector.</summary>
    public static string Print(this JsonNode? node) => node switch
    {
        null => "",
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        _ => node.ToJsonString(),
    };

    /// <summary>Equal but for order of members; an absent member and a null one count as the same.</summary>
    public static bool SameAs(this JsonNode? one, JsonNode? other) => JsonNode.DeepEquals(one, other);
}
