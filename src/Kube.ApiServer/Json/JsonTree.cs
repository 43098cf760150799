using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>
/// Reads JSON to a tree at once. Of a member that stands twice the last counts, as in Kubernetes, and its path is reported;
/// <see cref="JsonNode"/>'s own lazy reading would throw at some later access instead.
/// </summary>
internal static class JsonTree
{
    /// <summary>Deeper nesting than this is refused (kube-apiserver's JSON reader has a limit of 10,000; no manifest comes near either).</summary>
    private const int DepthMax = 256;

    /// <exception cref="JsonException">No JSON, or no object.</exception>
    public static JsonObject Read(ReadOnlyMemory<byte> utf8) => Read(utf8, null) as JsonObject ?? throw new JsonException("a JSON object is expected");

    /// <param name="duplicates">Receives the path of each member that stands twice; null when nobody asks.</param>
    /// <exception cref="JsonException">No JSON.</exception>
    public static JsonNode? Read(ReadOnlyMemory<byte> utf8, List<string>? duplicates)
    {
        var reader = new Utf8JsonReader(utf8.Span, new JsonReaderOptions { MaxDepth = DepthMax });
        if (!reader.Read()) throw new JsonException("unexpected end of JSON input");
        var tree = Value(ref reader, "", duplicates);
        if (reader.Read()) throw new JsonException("more than one JSON value");
        return tree;
    }

    private static JsonNode? Value(ref Utf8JsonReader reader, string path, List<string>? duplicates)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new JsonObject();
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var name = reader.GetString()!;
                    reader.Read();
                    var inner = duplicates is null ? "" : path.Length == 0 ? name : $"{path}.{name}";
                    var value = Value(ref reader, inner, duplicates);
                    if (members.ContainsKey(name))
                    {
                        duplicates?.Add(inner);
                        members[name] = value;
                    }
                    else
                    {
                        members.Add(name, value);
                    }
                }

                return members;
            case JsonTokenType.StartArray:
                var items = new JsonArray();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(Value(ref reader, duplicates is null ? "" : $"{path}[{items.Count}]", duplicates));
                }

                return items;
            case JsonTokenType.String:
                return JsonValue.Create(reader.GetString());
            case JsonTokenType.True:
                return JsonValue.Create(true);
            case JsonTokenType.False:
                return JsonValue.Create(false);
            case JsonTokenType.Number:
                return reader.TryGetInt64(out var whole) ? JsonValue.Create(whole) : JsonValue.Create(JsonElement.ParseValue(ref reader));
            default:
                return null;
        }
    }
}
