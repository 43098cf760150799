using System.Buffers;
using System.Threading.Channels;

namespace Mpi.Agent.Roles;

/// <summary>
/// Frames over a connection. Posting never waits: the streams' credit holds senders back, and where a peer ignores it the
/// bound on what is queued ends the connection. One reader at a time; anybody may post.
/// </summary>
public sealed class FrameLink : IAsyncDisposable
{
    /// <summary>More than the credit of all sessions of a connection in good order comes to.</summary>
    private const int MostQueued = 48 * 1024 * 1024;
    private const int FirstBuffer = 4 * 1024;
    private const int MostAtOnce = 64 * 1024;

    /// <summary>A connection at rest keeps no large buffer.</summary>
    private const int MostKept = 8 * 1024;

    private readonly Stream _stream;
    // Bounded by its bytes (MostQueued), not by their number.
    private readonly Channel<byte[]> _queue = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _writing;
    private byte[] _buffer = new byte[FirstBuffer];
    private int _taken;
    private int _filled;
    private long _queued;

    public FrameLink(Stream stream)
    {
        _stream = stream;
        _writing = WriteAsync();
    }

    /// <summary>Queues a frame. After the connection's end it goes nowhere.</summary>
    public void Post(in Frame frame)
    {
        var bytes = FrameFormat.Write(frame);
        if (Interlocked.Add(ref _queued, bytes.Length) > MostQueued) Abort();
        else _queue.Writer.TryWrite(bytes);
    }

    /// <summary>The next frame; null at the connection's end.</summary>
    /// <exception cref="ProtocolException">What came is no frame.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<Frame?> ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (FrameFormat.TryRead(_buffer.AsSpan(_taken, _filled - _taken), out var length) is { } frame)
            {
                _taken += length;
                return frame;
            }

            _buffer.AsSpan(_taken, _filled - _taken).CopyTo(_buffer);
            (_taken, _filled) = (0, _filled - _taken);
            if (length > _buffer.Length) Array.Resize(ref _buffer, length);
            else if (_filled == 0 && _buffer.Length > MostKept) _buffer = new byte[FirstBuffer];
            var count = await ReadSomeAsync(cancellation);
            if (count == 0) return null;
            _filled += count;
        }
    }

    private async ValueTask<int> ReadSomeAsync(CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _ended.Token);
        try
        {
            return await _stream.ReadAsync(_buffer.AsMemory(_filled), either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return 0;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }

    private async Task WriteAsync()
    {
        var batch = new ArrayBufferWriter<byte>();
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_ended.Token))
            {
                // Small frames go together: each write is a record of TLS and a packet.
                batch.ResetWrittenCount();
                while (batch.WrittenCount < MostAtOnce && _queue.Reader.TryRead(out var bytes)) batch.Write(bytes);
                Interlocked.Add(ref _queued, -batch.WrittenCount);
                await _stream.WriteAsync(batch.WrittenMemory, _ended.Token);
                if (batch.Capacity > MostKept) batch = new ArrayBufferWriter<byte>();
            }

            await _stream.FlushAsync(_ended.Token);
        }
        catch (Exception end) when (end is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The reader hears of it too, and says so.
            Abort();
        }
    }

    /// <summary>Ends the connection at once, whatever is queued.</summary>
    public void Abort()
    {
        _queue.Writer.TryComplete();
        _ended.Cancel();
    }

    /// <summary>Ends the connection when what was posted is sent, which may take as long as <paramref name="limit"/>.</summary>
    public async Task CloseAsync(TimeSpan limit, TimeProvider time)
    {
        _queue.Writer.TryComplete();
        await _writing.WaitAsync(limit, time, CancellationToken.None).WithoutThrowing();
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Abort();
        await _writing.WithoutThrowing();
        await _stream.DisposeAsync();
    }
}
