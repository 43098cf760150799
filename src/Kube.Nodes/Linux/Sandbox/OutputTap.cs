using System.Buffers;
using System.Collections.Immutable;
using System.IO.Pipelines;

namespace Kube.Nodes.Linux;

/// <summary>
/// Everybody who looks at one of a container's outputs as it comes. As with container runtimes, a reader that does not read holds
/// the container up, and so loses nothing; one that goes away is forgotten. One writer, any number of readers.
/// </summary>
internal sealed class OutputTap
{
    private readonly Lock _gate = new();
    private ImmutableArray<Pipe> _readers = [];
    private volatile bool _released;
    private bool _over;

    /// <summary>What is written from now on. Disposing the stream is going away.</summary>
    public Stream Listen()
    {
        lock (_gate)
        {
            if (_over) return Stream.Null;
            var pipe = new Pipe();
            _readers = _readers.Add(pipe);
            return pipe.Reader.AsStream();
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        foreach (var reader in _readers)
        {
            reader.Writer.Write(bytes.Span);
            if (_released) continue;
            if ((await reader.Writer.FlushAsync(CancellationToken.None)).IsCompleted) Forget(reader);
        }
    }

    /// <summary>
    /// The container has ended. From now on it is not held up, or a client that fell asleep would keep the pod from going; what is left to
    /// write is what a pipe holds.
    /// </summary>
    public void Release()
    {
        _released = true;
        foreach (var reader in _readers) reader.Writer.CancelPendingFlush();
    }

    public void Complete()
    {
        lock (_gate)
        {
            _over = true;
            foreach (var reader in _readers) reader.Writer.Complete();
            _readers = [];
        }
    }

    private void Forget(Pipe reader)
    {
        lock (_gate) _readers = _readers.Remove(reader);
        reader.Writer.Complete();
    }
}
