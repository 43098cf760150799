using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>
/// A version 2 document in the protobuf form (<c>openapi.v2.Document</c> of github.com/google/gnostic), which
/// <c>kubectl explain --output plaintext-openapiv2</c> asks for: the schemas, and of each path its operations and what they are about.
/// </summary>
internal static class OpenApiProtobuf
{
    public static byte[] Write(JsonObject document)
    {
        var message = new Message();
        message.Add(1, document.Text("swagger")!);
        message.Add(2, info =>
        {
            info.Add(1, document.Text("info", "title")!);
            info.Add(2, document.Text("info", "version")!);
        });
        message.Add(8, paths => Named(paths, 2, document["paths"], Path));
        message.Add(9, definitions => Named(definitions, 1, document["definitions"], Schema));
        return message.ToArray();
    }

    private static void Path(Message message, JsonNode item)
    {
        foreach (var (number, method) in new[] { (2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch") })
        {
            if (item[method] is JsonObject operation) message.Add(number, inner => Extensions(inner, 13, operation));
        }
    }

    private static void Schema(Message message, JsonNode schema)
    {
        foreach (var (number, name) in new[] { (1, "$ref"), (2, "format"), (4, "description"), (13, "pattern") })
        {
            if (schema.Text(name) is { } text) message.Add(number, text);
        }

        if (schema.At("default") is { } preset) message.Add(5, any => Any(any, preset));
        foreach (var required in schema.Texts("required")) message.Add(19, required);
        foreach (var value in schema.At("enum") as JsonArray ?? []) message.Add(20, any => Any(any, value));
        if (schema.At("additionalProperties") is JsonObject additional) message.Add(21, either => either.Add(1, inner => Schema(inner, additional)));
        if (schema.Text("type") is { } type) message.Add(22, types => types.Add(1, type));
        if (schema.At("items") is JsonObject item) message.Add(23, items => items.Add(1, inner => Schema(inner, item)));
        if (schema.At("properties") is JsonObject properties) message.Add(25, inner => Named(inner, 1, properties, Schema));
        Extensions(message, 31, schema);
    }

    /// <summary>A map, as a list of entries: 1 the name, 2 the value.</summary>
    private static void Named(Message message, int number, JsonNode? members, Action<Message, JsonNode> write)
    {
        foreach (var (name, value) in members as JsonObject ?? [])
        {
            if (value is null) continue;
            message.Add(number, entry =>
            {
                entry.Add(1, name);
                entry.Add(2, inner => write(inner, value));
            });
        }
    }

    private static void Extensions(Message message, int number, JsonNode owner)
    {
        foreach (var (name, value) in owner.AsObject().Where(static m => m.Key.StartsWith("x-", StringComparison.Ordinal)))
        {
            message.Add(number, entry =>
            {
                entry.Add(1, name);
                entry.Add(2, any => Any(any, value));
            });
        }
    }

    /// <summary>Any value stands as YAML, which JSON is.</summary>
    private static void Any(Message message, JsonNode? value) => message.Add(2, $"{value?.ToJsonString() ?? "null"}\n");

    /// <summary>A protobuf message of texts and messages.</summary>
    private sealed class Message
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public void Add(int number, string text) => Add(number, Encoding.UTF8.GetBytes(text));

        public void Add(int number, Action<Message> write)
        {
            var inner = new Message();
            write(inner);
            Add(number, inner._bytes.WrittenSpan);
        }

        public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

        private void Add(int number, ReadOnlySpan<byte> bytes)
        {
            const int lengthDelimited = 2;
            Varint(((uint)number << 3) | lengthDelimited);
            Varint((uint)bytes.Length);
            _bytes.Write(bytes);
        }

        private void Varint(uint value)
        {
            Span<byte> one = stackalloc byte[1];
            for (; value >= 0x80; value >>= 7)
            {
                one[0] = (byte)(value | 0x80);
                _bytes.Write(one);
            }

            one[0] = (byte)value;
            _bytes.Write(one);
        }
    }
}
