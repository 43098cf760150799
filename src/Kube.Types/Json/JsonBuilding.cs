using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>Building of JSON trees without reflection.</summary>
public static class JsonBuilding
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Indented = Plain with { Indented = true, IndentSize = 4, NewLine = "\n" };

    /// <summary>The tree as UTF-8, characters written as themselves (as Kubernetes does), not as escapes.</summary>
    public static byte[] ToUtf8(this JsonNode tree) => Write(tree, Plain);

    /// <summary>The tree as people read it and as kubectl prints it: four blanks a level, and a line feed at the end.</summary>
    public static string ToIndentedText(this JsonNode tree) => Encoding.UTF8.GetString(Write(tree, Indented)) + "\n";

    private static byte[] Write(JsonNode tree, JsonWriterOptions options)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, options)) tree.WriteTo(writer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A mutable copy of a value that was read.</summary>
    public static JsonNode? ToTree(this JsonElement element) =>
        element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? null : JsonNode.Parse(element.GetRawText(), documentOptions: JsonLimits.Options);

    /// <summary>The object at a member, made when it is absent, null or no object.</summary>
    public static JsonObject Object(this JsonObject tree, string member)
    {
        if (tree[member] is JsonObject present) return present;
        var made = new JsonObject();
        tree[member] = made;
        return made;
    }

    /// <summary>The array at a member, made when it is absent, null or no array.</summary>
    public static JsonArray Array(this JsonObject tree, string member)
    {
        if (tree[member] is JsonArray present) return present;
        var made = new JsonArray();
        tree[member] = made;
        return made;
    }

    public static JsonObject ToTree(this IEnumerable<KeyValuePair<string, string>> map)
    {
        var tree = new JsonObject();
        foreach (var (key, value) in map) tree[key] = value;
        return tree;
    }

    public static JsonArray ToTree(this IEnumerable<string> items)
    {
        var tree = new JsonArray();
        foreach (var item in items) tree.Add((JsonNode)item);
        return tree;
    }
}
