using Kube.ApiServer;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>Joins the API server's <c>pods/log</c> to the node, which starts after it.</summary>
internal sealed class NodeLogs : IPodLogSource
{
    public LinuxNode? Node { get; set; }

    public ValueTask<Stream> OpenAsync(string ns, string pod, string container, PodLogOptions options, CancellationToken cancellation)
    {
        if (Node is not { } node) throw new ApiException(new ApiStatus(503, ApiReason.ServiceUnavailable, "the node has not started yet"));
        return ValueTask.FromResult(node.OpenLog(ns, pod, container, new ContainerLogOptions(
            options.Follow, options.Previous, options.Timestamps, options.TailLines, options.Since, options.LimitBytes)));
    }
}
