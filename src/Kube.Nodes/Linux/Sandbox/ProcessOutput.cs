namespace Kube.Nodes.Linux;

/// <summary>
/// What a process writes, up to its end. Its children may hold the same pipe for hours (<c>sh -c 'server &amp;'</c>): once the
/// process itself has exited and the pipe is empty, its output is over.
/// </summary>
/// <param name="exited">Cancelled when the process has exited.</param>
internal sealed class ProcessOutput(Stream pipe, TimeProvider time, CancellationToken exited) : ReadOnlyStream
{
    /// <summary>How long an empty pipe is still looked at. What the process wrote is there at its exit; this is only for the news of it.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(200);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await ReadUntilAsync(buffer, exited, cancellationToken) ?? await ReadLastAsync(buffer, cancellationToken);
        }
        catch (Exception broken) when (broken is IOException or ObjectDisposedException)
        {
            // The pipe broke with the process, whose exit code tells how that came.
            return 0;
        }
    }

    private async ValueTask<int> ReadLastAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        using var grace = new CancellationTokenSource(Grace, time);
        return await ReadUntilAsync(buffer, grace.Token, cancellation) ?? 0;
    }

    /// <summary>Null when nothing came before the end.</summary>
    private async ValueTask<int?> ReadUntilAsync(Memory<byte> buffer, CancellationToken end, CancellationToken cancellation)
    {
        if (end.IsCancellationRequested) return null;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(end, cancellation);
        try
        {
            return await pipe.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }
}
