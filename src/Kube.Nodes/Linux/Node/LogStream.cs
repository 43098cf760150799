using System.Globalization;
using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>How a log is read; the fields are those of <c>core/v1 PodLogOptions</c>.</summary>
/// <param name="Follow">Go on as the container writes, until it ends.</param>
/// <param name="Previous">The run before the last restart.</param>
/// <param name="Timestamps">Begin each line with its time.</param>
/// <param name="TailLines">Only the last lines; null for all.</param>
/// <param name="Since">Only lines of this time or later.</param>
/// <param name="LimitBytes">End after so many bytes.</param>
public sealed record ContainerLogOptions(bool Follow = false, bool Previous = false, bool Timestamps = false, long? TailLines = null, DateTimeOffset? Since = null, long? LimitBytes = null);

/// <summary>A container's log as a stream of bytes. One reader. Without <c>Follow</c> it ends where the log ended when it was opened.</summary>
internal sealed class LogStream : ReadOnlyStream
{
    private const int EntriesAtOnce = 512;

    private readonly ContainerLog _log;
    private readonly ContainerLogOptions _options;
    private readonly LogCursor _cursor;
    private readonly long _end;
    private ReadOnlyMemory<byte> _ready;
    private long _left;
    private bool _lineBegins = true;

    public LogStream(ContainerLog log, ContainerLogOptions options)
    {
        _log = log;
        _options = options;
        _cursor = log.Open(options.TailLines is { } lines ? log.Tail(lines) : 0);
        _end = options.Follow ? long.MaxValue : log.Next;
        _left = options.LimitBytes ?? long.MaxValue;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_ready.IsEmpty)
        {
            if (_left <= 0 || _cursor.Next >= _end) return 0;
            var ended = _log.Ended;
            var changed = _log.Changed;
            if (Fill()) continue;
            if (!_options.Follow || ended) return 0;
            await changed.WaitAsync(cancellationToken);
        }

        var count = (int)Math.Min(Math.Min(buffer.Length, _ready.Length), _left);
        _ready[..count].CopyTo(buffer);
        _ready = _ready[count..];
        _left -= count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _cursor.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Takes the next entries in; false at the log's present end.</summary>
    private bool Fill()
    {
        var entries = _cursor.Read((int)Math.Min(EntriesAtOnce, _end - _cursor.Next));
        using var text = new MemoryStream();
        foreach (var entry in entries)
        {
            if (_options.Since is { } since && entry.Time < since) continue;
            if (_options.Timestamps && _lineBegins) text.Write(Encoding.UTF8.GetBytes(entry.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z '", CultureInfo.InvariantCulture)));
            text.Write(entry.Text.Span);
            _lineBegins = entry.EndsLine;
        }

        _ready = text.ToArray();
        return entries.Count > 0;
    }
}
