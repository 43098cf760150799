using System.Buffers;

namespace Kube.ApiServer;

/// <summary>A watch as a stream to read from.</summary>
internal sealed class WatchReadStream(WatchStream watch) : Stream
{
    private readonly ArrayBufferWriter<byte> _arrived = new();
    private int _taken;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty) return 0;
        while (_taken == _arrived.WrittenCount)
        {
            _arrived.ResetWrittenCount();
            _taken = 0;
            if (watch.TryRead(_arrived)) break;
            if (watch.Ended) return 0;
            await watch.WaitAsync(cancellationToken);
        }

        var count = Math.Min(buffer.Length, _arrived.WrittenCount - _taken);
        _arrived.WrittenMemory.Slice(_taken, count).CopyTo(buffer);
        _taken += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("a watch is read asynchronously: a blocked reader would hold the thread that makes its events");

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) watch.Dispose();
        base.Dispose(disposing);
    }
}
