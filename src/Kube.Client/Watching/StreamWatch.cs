using System.Diagnostics.CodeAnalysis;
using Kube.Types;

namespace Kube.Client;

/// <summary>
/// A watch read from a stream of lines. One read is outstanding at a time; what it brings is buffered and announced, and taken by
/// <see cref="TryRead"/> line by line. Reading ahead stops at a bound, until the reader has caught up. Where the stream completes its reads
/// inline (the in-process server's does), an event is buffered within the very write that made it.
/// </summary>
internal sealed class StreamWatch : IWatch
{
    /// <summary>Beyond this, reading waits for the reader.</summary>
    private const int ReadAheadBytes = 1024 * 1024;

    private const int ChunkBytes = 32 * 1024;

    private readonly Stream _stream;
    private readonly IDisposable _response;
    private readonly Signal _arrived;
    private readonly CancellationTokenSource _closing = new();
    private readonly byte[] _chunk = new byte[ChunkBytes];
    private readonly Lock _gate = new();
    private readonly LineBuffer _lines;
    private bool _reading;
    private bool _closed;
    private bool _disposed;

    public StreamWatch(Stream stream, IDisposable response, TimeProvider time, int lineBytesMax = LineBuffer.LineBytesDefault)
    {
        _stream = stream;
        _response = response;
        _arrived = new Signal(time);
        _lines = new LineBuffer(lineBytesMax);
        ReadOn();
    }

    public bool Ended
    {
        get { lock (_gate) return _closed && !_lines.HasLine; }
    }

    public Exception? Failure { get; private set; }

    public bool TryRead(out WatchEvent change)
    {
        while (TakeLine(out var line, out var cut))
        {
            if (!WatchEventReader.TryRead(line, cut, out change)) continue;
            return true;
        }

        change = default;
        return false;
    }

    public ValueTask WaitAsync(CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (_closed || _lines.HasLine) return ValueTask.CompletedTask;
        }

        return _arrived.WaitAsync(due: null, cancellation);
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed) return ValueTask.CompletedTask;
            _disposed = _closed = true;
        }

        _closing.Cancel();
        _response.Dispose();
        _closing.Dispose();
        return ValueTask.CompletedTask;
    }

    private bool TakeLine([NotNullWhen(true)] out byte[]? line, out bool cut)
    {
        lock (_gate)
        {
            if (_lines.TryTake(out line, out cut)) return true;
        }

        ReadOn();
        lock (_gate) return _lines.TryTake(out line, out cut);
    }

    /// <summary>Begins to read, unless a read is outstanding. Never under the lock: a read may run the server's code, which has locks of its own.</summary>
    private void ReadOn()
    {
        lock (_gate)
        {
            if (_reading || _closed) return;
            _reading = true;
        }

        _ = ReadAsync();
    }

    private async Task ReadAsync()
    {
        var cancellation = _closing.Token;
        var open = true;
        var more = true;
        while (more)
        {
            try
            {
                var read = await _stream.ReadAsync(_chunk, cancellation);
                open = read > 0;
                lock (_gate)
                {
                    _lines.Append(_chunk.AsSpan(0, read));
                    more = open && (_lines.Length < ReadAheadBytes || !_lines.HasLine);
                    if (!more) _reading = false;
                    if (!open) _closed = true;
                }
            }
            catch (Exception fault)
            {
                // Whatever broke it, the stream has ended, and the reader opens another. Disposing it is no failure.
                lock (_gate)
                {
                    if (!_closed) Failure = fault;
                    _closed = true;
                    _reading = more = false;
                }
            }

            _arrived.Raise();
        }
    }
}
