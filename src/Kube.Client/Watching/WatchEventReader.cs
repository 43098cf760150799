using System.Text.Json;
using Kube.Types;

namespace Kube.Client;

/// <summary>Reads one line of a watch: <c>{"type":"MODIFIED","object":{...}}</c>.</summary>
internal static class WatchEventReader
{
    /// <returns>False for an empty line.</returns>
    /// <exception cref="ApiException">An ERROR event.</exception>
    public static bool TryRead(ReadOnlyMemory<byte> line, bool cut, out WatchEvent change)
    {
        change = default;
        if (line.Span.Trim(" \r\t"u8).IsEmpty) return false;
        if (cut)
        {
            change = Malformed(line, "the event is longer than the limit");
            return true;
        }

        try
        {
            change = Read(line);
        }
        catch (JsonException fault)
        {
            change = Malformed(line, fault.Message);
        }

        return true;
    }

    private static WatchEvent Read(ReadOnlyMemory<byte> line)
    {
        var (type, obj) = Split(line);
        switch (type)
        {
            case "ADDED": return new WatchEvent(WatchEventType.Added, Parse(obj));
            case "MODIFIED": return new WatchEvent(WatchEventType.Modified, Parse(obj));
            case "DELETED": return new WatchEvent(WatchEventType.Deleted, Parse(obj));
            case "BOOKMARK": return new WatchEvent(WatchEventType.Bookmark, Parse(obj));
            // The answer to the watch was 200 long ago; what went wrong since is in the object.
            case "ERROR": throw new ApiException(ApiStatus.Read(500, obj.Span));
            default: throw new JsonException($"unknown type \"{type}\" of event");
        }
    }

    private static KubeObject Parse(ReadOnlyMemory<byte> obj)
    {
        var read = KubeObject.Parse(obj);
        return read.Root.ValueKind == JsonValueKind.Object ? read : throw new JsonException("the event's object is no object");
    }

    private static (string? Type, ReadOnlyMemory<byte> Object) Split(ReadOnlyMemory<byte> line)
    {
        string? type = null;
        ReadOnlyMemory<byte> obj = default;
        // The object's own depth is judged when it is parsed.
        var reader = new Utf8JsonReader(line.Span, new JsonReaderOptions { MaxDepth = 10 * JsonLimits.DepthMax });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("an event is no object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isObject = reader.ValueTextEquals("object"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (isType && reader.TokenType == JsonTokenType.String) type = reader.GetString();
            else reader.Skip();
            if (isObject) obj = line[start..(int)reader.BytesConsumed];
        }

        return (type, obj);
    }

    private static WatchEvent Malformed(ReadOnlyMemory<byte> line, string why)
    {
        var start = line.Span.IndexOf("\"object\":"u8);
        var obj = ObjectSalvage.Read(start < 0 ? default : line.Span[(start + "\"object\":".Length)..]);
        return new WatchEvent(WatchEventType.Modified, obj, why);
    }
}
