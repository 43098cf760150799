using System.Collections.Immutable;
using Kube.ApiServer;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>Joins the API server's <c>pods/log</c>, <c>pods/exec</c> and <c>pods/attach</c> to the node, which starts after it.</summary>
internal sealed class NodeStreams : IPodLogSource, IPodStreams
{
    public LinuxNode? Node { get; set; }

    public ValueTask<Stream> OpenAsync(PodContainer container, PodLogOptions options, CancellationToken cancellation) =>
        ValueTask.FromResult(NodeOf(container).OpenLog(container.Namespace, container.Pod, container.Container, new ContainerLogOptions(
            options.Follow, options.Previous, options.Timestamps, options.TailLines, options.Since, options.LimitBytes)));

    public async ValueTask<IPodSession> ExecAsync(PodContainer container, ImmutableArray<string> command, PodStreamOptions options, CancellationToken cancellation)
    {
        try
        {
            var session = await NodeOf(container).ExecAsync(container.Namespace, container.Pod, container.Container, command, options.Terminal, cancellation);
            if (!options.Input) await session.Input.DisposeAsync();
            return new Session(session);
        }
        catch (ExecRefusedException refused)
        {
            throw new ApiException(new ApiStatus(500, ApiReason.InternalError, $"error executing command in container: {refused.Message}"));
        }
    }

    public ValueTask<IPodSession> AttachAsync(PodContainer container, PodStreamOptions options, CancellationToken cancellation) =>
        ValueTask.FromResult<IPodSession>(new Session(NodeOf(container).Attach(container.Namespace, container.Pod, container.Container, options.Input)));

    /// <exception cref="ApiException">The pod runs nowhere, in truth.</exception>
    private LinuxNode NodeOf(PodContainer container)
    {
        if (Node is not { } node) throw new ApiException(new ApiStatus(503, ApiReason.ServiceUnavailable, "the node has not started yet"));
        if (container.Node != LocalCluster.NodeName)
        {
            throw new ApiException(new ApiStatus(400, ApiReason.BadRequest,
                $"pod {container.Pod} is on node {container.Node}, whose pods only pretend to run: they have no processes and no logs; pods on node {LocalCluster.NodeName} have"));
        }

        return node;
    }

    private sealed class Session(ContainerSession session) : IPodSession
    {
        public Stream Input => session.Input;
        public Stream Output => session.Output;
        public Stream Error => session.Error;
        public Task<int> Ended => session.Ended;

        public void Resize(ushort columns, ushort rows) => session.Resize(new TerminalSize(columns, rows));

        public ValueTask DisposeAsync() => session.DisposeAsync();
    }
}
