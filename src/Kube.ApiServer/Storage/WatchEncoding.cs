using System.Buffers;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Writes watch events: <c>{"type":"ADDED","object":{...}}</c>, one a line. One instance serves one watch.</summary>
internal sealed class WatchEncoding(Representation representation)
{
    private bool _begun;

    public void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> type, StoredObject obj)
    {
        Write(output, type, representation.Event(obj, first: !_begun).Span);
        _begun = true;
    }

    public void WriteBookmark(IBufferWriter<byte> output, long revision, bool initialEventsEnd) =>
        Write(output, "BOOKMARK"u8, representation.Bookmark(revision, initialEventsEnd).Span);

    public static void WriteError(IBufferWriter<byte> output, ApiStatus status) => Write(output, "ERROR"u8, status.ToTree().ToUtf8());

    private static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> type, ReadOnlySpan<byte> obj)
    {
        output.Write("{\"type\":\""u8);
        output.Write(type);
        output.Write("\",\"object\":"u8);
        output.Write(obj);
        output.Write("}\n"u8);
    }
}
