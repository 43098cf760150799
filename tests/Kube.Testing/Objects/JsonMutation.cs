using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;

namespace Kube.Testing;

/// <summary>Spoils a JSON text: some times its tree, some times its bytes.</summary>
/// <param name="values">JSON texts that are put in anywhere, beside those that spoil any document.</param>
public sealed class JsonMutation(params ReadOnlySpan<string> values)
{
    private static readonly ImmutableArray<string> AnyDocuments =
    [
        "null", "true", "0", "-1", "1", "2147483648", "9223372036854775808", "1e400", "0.5", "\"\"", "\"x\"", "\"HALF-A-PAIR\"", "{\"HALF-A-PAIR\":1}", "\"Always\"", "\"4\"", "[]", "[null]", "[[]]", "{}", "{\"\":null}",
        "[{}]", "[1,\"a\",{}]", "\"\\u0000\"",
    ];

    private readonly ImmutableArray<string> _values = [.. AnyDocuments, .. values];

    public string Of(string json, Random random)
    {
        var tree = JsonNode.Parse(json)!;
        for (var change = random.Next(1, 5); change > 0; change--) Change(tree, random);
        // What no tree can hold: an escape that is no character.
        var text = tree.ToJsonString().Replace("HALF-A-PAIR", "\\ud800", StringComparison.Ordinal);
        return random.Next(8) == 0 ? Spoil(text, random) : text;
    }

    private void Change(JsonNode tree, Random random)
    {
        var nodes = new List<JsonNode>();
        Collect(tree, nodes);
        switch (nodes[random.Next(nodes.Count)])
        {
            case JsonObject map when map.Count > 0:
                var key = map.ElementAt(random.Next(map.Count)).Key;
                if (random.Next(3) == 0) map.Remove(key);
                else if (random.Next(3) == 0) map[$"{key}x"] = map[key]?.DeepClone();
                else map[key] = Any(random);
                break;
            case JsonArray list when list.Count > 0:
                var index = random.Next(list.Count);
                if (random.Next(3) == 0) list.RemoveAt(index);
                else list[index] = Any(random);
                break;
        }
    }

    private static void Collect(JsonNode? node, List<JsonNode> nodes)
    {
        switch (node)
        {
            case JsonObject map:
                nodes.Add(map);
                foreach (var (_, member) in map) Collect(member, nodes);
                break;
            case JsonArray list:
                nodes.Add(list);
                foreach (var item in list) Collect(item, nodes);
                break;
        }
    }

    private JsonNode? Any(Random random) => JsonNode.Parse(_values[random.Next(_values.Length)]);

    private static string Spoil(string text, Random random)
    {
        var spoilt = new StringBuilder(text);
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            var at = random.Next(spoilt.Length);
            if (random.Next(2) == 0) spoilt.Remove(at, 1);
            else spoilt.Insert(at, "{}[],:\"\\019e-\0é"[random.Next(15)]);
        }

        return spoilt.ToString();
    }
}
