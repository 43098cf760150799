using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>A node and what the pods on it have taken. The scheduler keeps one for each node, up to date with every change.</summary>
public sealed class NodeState
{
    private readonly Dictionary<string, PodDemand> _pods = new(StringComparer.Ordinal);

    public NodeState(KubeObject node)
    {
        Node = node;
        Allocatable = ResourceAmounts.None;
        Update(node);
    }

    public KubeObject Node { get; private set; }
    public string Name => Node.Meta.Name;
    public ResourceAmounts Allocatable { get; private set; }
    public ResourceAmounts Used { get; private set; } = ResourceAmounts.None;
    public ImmutableArray<Taint> Taints { get; private set; } = [];
    public bool IsUnschedulable { get; private set; }

    /// <summary>The pods that hold room here, in no order.</summary>
    public IReadOnlyCollection<PodDemand> Pods => _pods.Values;

    /// <summary>How many of them keep other pods away.</summary>
    public int PodsWithAntiAffinity { get; private set; }

    public void Update(KubeObject node)
    {
        Node = node;
        Allocatable = ResourceAmounts.Read(node.Root.At("status", "allocatable"));
        Taints = [.. node.Root.Items("spec", "taints").Select(Taint.Read)];
        IsUnschedulable = node.Root.Flag("spec", "unschedulable") ?? false;
    }

    public bool Holds(string podUid) => _pods.ContainsKey(podUid);

    /// <summary>Adds a pod, or replaces what it was known to ask for.</summary>
    public void Take(PodDemand demand)
    {
        Release(demand.Pod.Meta.Uid);
        _pods[demand.Pod.Meta.Uid] = demand;
        Used = Used.Plus(demand.Requests);
        if (!demand.AntiAffinity.IsEmpty) PodsWithAntiAffinity++;
    }

    public void Release(string podUid)
    {
        if (!_pods.Remove(podUid, out var demand)) return;
        Used = Used.Minus(demand.Requests);
        if (!demand.AntiAffinity.IsEmpty) PodsWithAntiAffinity--;
    }

    public bool HoldsPort(string port) => _pods.Values.Any(p => p.HostPorts.Contains(port));
}
