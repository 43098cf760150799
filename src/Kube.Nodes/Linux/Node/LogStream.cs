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

/// <summary>A container's log as a stream of bytes. One reader.</summary>
internal sealed class LogStream : Stream
{
    private const int EntriesAtOnce = 512;

    private readonly ContainerLog _log;
    private readonly ContainerLogOptions _options;
    private ReadOnlyMemory<byte> _ready;
    private long _next;
    private long _left;
    private bool _lineBegins = true;

    public LogStream(ContainerLog log, ContainerLogOptions options)
    {
        _log = log;
        _options = options;
        _next = options.TailLines is { } lines ? log.Tail(lines) : 0;
        _left = options.LimitBytes ?? long.MaxValue;
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_ready.IsEmpty)
        {
            if (_left <= 0) return 0;
            var ended = _log.Ended;
            var changed = _log.Changed;
            Fill();
            if (!_ready.IsEmpty) break;
            if (!_options.Follow || ended) return 0;
            await changed.WaitAsync(cancellationToken);
        }

        var count = (int)Math.Min(Math.Min(buffer.Length, _ready.Length), _left);
        _ready[..count].CopyTo(buffer);
        _ready = _ready[count..];
        _left -= count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A log is read asynchronously");

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Fill()
    {
        var entries = _log.From(_next, EntriesAtOnce);
        if (entries.Count == 0) return;
        _next = entries[^1].Number + 1;
        using var text = new MemoryStream();
        foreach (var entry in entries)
        {
            if (_options.Since is { } since && entry.Time < since) continue;
            if (_options.Timestamps && _lineBegins) text.Write(Encoding.UTF8.GetBytes(entry.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z '", CultureInfo.InvariantCulture)));
            text.Write(entry.Text.Span);
            _lineBegins = entry.EndsLine;
        }

        _ready = text.ToArray();
        // All of them too old: look at the next ones.
        if (_ready.IsEmpty) Fill();
    }
}
