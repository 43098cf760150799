using System.IO.Pipelines;

namespace Kube.Testing;

/// <summary>One of two ends of a connection in memory: what is written to one is read from the other. Each end is bounded as a socket is.</summary>
public sealed class DuplexStream : Stream
{
    private readonly Stream _from;
    private readonly Stream _to;

    private DuplexStream(Pipe from, Pipe to) => (_from, _to) = (from.Reader.AsStream(), to.Writer.AsStream());

    public static (DuplexStream One, DuplexStream Other) Pair()
    {
        var (there, back) = (new Pipe(), new Pipe());
        return (new DuplexStream(back, there), new DuplexStream(there, back));
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _from.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _to.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => _to.FlushAsync(cancellationToken);

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _from.Dispose();
            _to.Dispose();
        }

        base.Dispose(disposing);
    }
}
