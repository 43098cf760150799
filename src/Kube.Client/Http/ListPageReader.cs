using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Kube.Client;

/// <summary>Reads <c>{"kind":"PodList","metadata":{"resourceVersion":"7","continue":"..."},"items":[{...},...]}</c>, each item on its own.</summary>
internal static class ListPageReader
{
    /// <exception cref="JsonException">The page is no list. An item that cannot be read is set aside (<see cref="ListPage.Malformed"/>).</exception>
    public static ListPage Read(ReadOnlyMemory<byte> body, ResourceKind kind)
    {
        var reader = new Utf8JsonReader(body.Span, new JsonReaderOptions { MaxDepth = 10 * JsonLimits.DepthMax });
        var items = new List<KubeObject>();
        var malformed = ImmutableArray.CreateBuilder<string>();
        var (version, next, isList) = ("", "", false);

        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("no JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            if (name == "metadata" && reader.TokenType == JsonTokenType.StartObject)
            {
                var metadata = JsonElement.ParseValue(ref reader);
                version = metadata.Text("resourceVersion") ?? "";
                next = metadata.Text("continue") ?? "";
            }
            else if (name == "items" && reader.TokenType is JsonTokenType.StartArray or JsonTokenType.Null)
            {
                isList = true;
                if (reader.TokenType == JsonTokenType.StartArray) ReadItems(ref reader, body, kind, items, malformed);
            }
            else reader.Skip();
        }

        if (!isList) throw new JsonException("no list: it has no items");
        return new ListPage(items, version, next) { Malformed = malformed.ToImmutable() };
    }

    private static void ReadItems(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body, ResourceKind kind, List<KubeObject> items, ImmutableArray<string>.Builder malformed)
    {
        var untyped = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            var item = body[start..(int)reader.BytesConsumed];
            try
            {
                items.Add(Read(item, kind, ref untyped));
            }
            catch (JsonException fault)
            {
                malformed.Add($"{ObjectSalvage.Read(item.Span)}: {fault.Message}");
            }
        }
    }

    /// <summary>
    /// Items of built-in kinds come without apiVersion and kind; an object on its own has them. What one item of a list lacks the
    /// next will lack too, and so only the first is read twice.
    /// </summary>
    private static KubeObject Read(ReadOnlyMemory<byte> item, ResourceKind kind, ref bool untyped)
    {
        if (untyped)
        {
            try
            {
                return KubeObject.Parse(Typed(item, kind));
            }
            catch (JsonException)
            {
                // It is broken, or it names its kind after all, twice now: read as it is, it shows which.
                untyped = false;
            }
        }

        // A copy, because whoever keeps one object must not keep the page.
        var obj = KubeObject.Parse(item.ToArray());
        if (obj.Root.ValueKind != JsonValueKind.Object) throw new JsonException("no object");
        if (obj.Kind.Length > 0) return obj;
        untyped = true;
        return KubeObject.Parse(Typed(item, kind));
    }

    private static byte[] Typed(ReadOnlyMemory<byte> item, ResourceKind kind)
    {
        if (item.Span[0] != (byte)'{') throw new JsonException("no object");
        var first = item.Span[1..].TrimStart(" \t\r\n"u8);
        var separator = first[0] == (byte)'}' ? "" : ",";
        return [.. Encoding.UTF8.GetBytes($"{{\"apiVersion\":\"{kind.ApiVersion}\",\"kind\":\"{kind.Kind}\"{separator}"), .. first];
    }
}
