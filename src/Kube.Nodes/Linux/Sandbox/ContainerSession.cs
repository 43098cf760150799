namespace Kube.Nodes.Linux;

/// <summary>
/// A conversation with a process of a container: one that was started for it (exec), or the container's own (attach).
/// Whoever holds it reads <see cref="Output"/> and <see cref="Error"/> to their ends: a process that nobody listens to stops
/// as soon as its pipe is full.
/// </summary>
public abstract class ContainerSession : IAsyncDisposable
{
    /// <summary>The process's standard input. Disposal ends the input, not the session. Writing fails with <see cref="IOException"/> once nobody reads.</summary>
    public abstract Stream Input { get; }

    public abstract Stream Output { get; }

    /// <summary>Standard error; empty with a terminal, which joins it to <see cref="Output"/>.</summary>
    public abstract Stream Error { get; }

    /// <summary>Completes with the exit code, 128 plus the signal's number after a signal. The outputs may still hold bytes then.</summary>
    public abstract Task<int> Ended { get; }

    /// <summary>Tells the terminal its size; without a terminal, nothing.</summary>
    public abstract void Resize(TerminalSize size);

    /// <summary>Ends a process that was started for the session; leaves the container's own alone.</summary>
    public abstract ValueTask DisposeAsync();
}
