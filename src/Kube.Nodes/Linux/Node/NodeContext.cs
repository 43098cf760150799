using Kube.Client;

namespace Kube.Nodes.Linux;

/// <summary>What the workers of a node share.</summary>
internal sealed class NodeContext
{
    public required IKubeClient Client { get; init; }
    public required LinuxNodeOptions Options { get; init; }
    public required TimeProvider Time { get; init; }
    public required ClusterSandbox Cluster { get; init; }
    public required ContainerPreparation Preparation { get; init; }
    public required INodeObjects Objects { get; init; }
    public required NodeEvents Events { get; init; }
    public required NodeRegistration Registration { get; init; }
    public required ControlGroups Groups { get; init; }
    public required Claims Claims { get; init; }
    public required ProbeClient Probes { get; init; }
    public required Action<NodeNotice> Report { get; init; }

    /// <summary>Ends with the node: stops what runs alongside.</summary>
    public required CancellationToken Stopping { get; init; }

    /// <summary>A pod has got an address, or is about to lose it.</summary>
    public required Action<PodWorker> NamesChanged { get; init; }

    /// <summary>A pod's address is free again.</summary>
    public required Action<PodWorker> Released { get; init; }

    private readonly HashSet<string> _said = new(StringComparer.Ordinal);

    /// <summary>Says a thing to the person who runs the node, the first time only.</summary>
    public void SayOnce(string text)
    {
        lock (_said)
        {
            if (!_said.Add(text)) return;
        }

        Report(new NodeNotice(IsWarning: true, text));
    }

    /// <summary>Says once an image that nothing stands in for it.</summary>
    public void SayWithoutStandIn(string image)
    {
        lock (_said)
        {
            if (!_said.Add(image)) return;
        }

        Report(new NodeNotice(IsWarning: false, $"image {image}: nothing stands in for it; its containers run with this machine's programs"));
    }
}
