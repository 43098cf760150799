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
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            var item = body[start..(int)reader.BytesConsumed];
            try
            {
                items.Add(Typed(item, kind));
            }
            catch (JsonException fault)
            {
                malformed.Add($"{ObjectSalvage.Read(item.Span)}: {fault.Message}");
            }
        }
    }

    /// <summary>Items of built-in kinds come without apiVersion and kind; an object on its own has them.</summary>
    private static KubeObject Typed(ReadOnlyMemory<byte> item, ResourceKind kind)
    {
        var obj = KubeObject.Parse(item);
        if (obj.Root.ValueKind != JsonValueKind.Object) throw new JsonException("no object");
        if (obj.Kind.Length > 0) return KubeObject.Parse(item.ToArray());
        byte[] typed = [.. Encoding.UTF8.GetBytes($"{{\"apiVersion\":\"{kind.ApiVersion}\",\"kind\":\"{kind.Kind}\"{(obj.Root.EnumerateObject().MoveNext() ? "," : "")}"), .. item.Span[1..]];
        return KubeObject.Parse(typed);
    }
}
