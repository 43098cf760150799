namespace Kube.Nodes.Linux;

/// <summary>A container's input as one of those who attached sees it.</summary>
/// <param name="closes">Whether its end is the end for the container, too (<c>stdinOnce</c>).</param>
internal sealed class SharedInput(Stream input, bool closes) : WriteOnlyStream
{
    private bool _ended;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _ended ? throw new IOException("this input has ended") : input.WriteAsync(buffer, cancellationToken);

    public override ValueTask DisposeAsync()
    {
        _ended = true;
        return closes ? input.DisposeAsync() : ValueTask.CompletedTask;
    }
}
