using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>Where commands run in pods: the node agent, in a real cluster the kubelet.</summary>
public interface IPodStreams
{
    /// <summary>Starts a command in a container that runs.</summary>
    /// <exception cref="Kube.Types.ApiException">The container does not run, or the command cannot.</exception>
    ValueTask<IPodSession> ExecAsync(PodContainer container, ImmutableArray<string> command, PodStreamOptions options, CancellationToken cancellation);

    /// <summary>Joins the streams of a container's own process, from now on.</summary>
    /// <exception cref="Kube.Types.ApiException">The container does not run.</exception>
    ValueTask<IPodSession> AttachAsync(PodContainer container, PodStreamOptions options, CancellationToken cancellation);
}

/// <summary>The fields that <c>core/v1 PodExecOptions</c> and <c>PodAttachOptions</c> share.</summary>
/// <param name="Input">Whether the client means to send input.</param>
/// <param name="Output">Whether the client takes standard output.</param>
/// <param name="Error">Whether the client takes standard error; never with a terminal, which has one output.</param>
public sealed record PodStreamOptions(bool Input, bool Output, bool Error, bool Terminal);

/// <summary>A container of a pod, on the node that runs it.</summary>
public sealed record PodContainer(string Namespace, string Pod, string Node, string Container);

/// <summary>A process of a container, seen from outside. Disposal ends one that was started for the session, and leaves the container's own alone.</summary>
public interface IPodSession : IAsyncDisposable
{
    /// <summary>Disposal ends the input. Writing fails with <see cref="IOException"/> once nobody reads.</summary>
    Stream Input { get; }

    /// <summary>Read to its end even when the client does not take it: a process stops when its pipe is full.</summary>
    Stream Output { get; }

    /// <summary>As <see cref="Output"/>.</summary>
    Stream Error { get; }

    /// <summary>Completes with the exit code; for an attached container, with 0 at its end.</summary>
    Task<int> Ended { get; }

    void Resize(ushort columns, ushort rows);
}
