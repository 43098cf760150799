using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>A node and what the pods on it have taken. The scheduler keeps one for each node, up to date with every change.</summary>
public sealed class NodeState(KubeObject node)
{
    private readonly Dictionary<string, PodDemand> _pods = new(StringComparer.Ordinal);

    public KubeObject Node { get; private set; } = node;
    public ResourceAmounts Allocatable { get; private set; } = ResourceAmounts.Read(node.Root.At("status", "allocatable"));
    public ResourceAmounts Used { get; private set; } = ResourceAmounts.None;
    public ImmutableArray<Taint> Taints { get; private set; } = TaintsOf(node);
    public bool IsUnschedulable { get; private set; } = node.Root.Flag("spec", "unschedulable") ?? false;
    public int Pods => _pods.Count;

    public void Update(KubeObject node)
    {
        Node = node;
        Allocatable = ResourceAmounts.Read(node.Root.At("status", "allocatable"));
        Taints = TaintsOf(node);
        IsUnschedulable = node.Root.Flag("spec", "unschedulable") ?? false;
    }

    /// <summary>Adds a pod, or replaces what it was known to ask for.</summary>
    public void Take(PodDemand demand)
    {
        Release(demand.Pod.Meta.Uid);
        _pods[demand.Pod.Meta.Uid] = demand;
        Used = Used.Plus(demand.Requests);
    }

    public void Release(string podUid)
    {
        if (_pods.Remove(podUid, out var demand)) Used = Used.Minus(demand.Requests);
    }

    public bool HoldsPort(string port) => _pods.Values.Any(p => p.HostPorts.Contains(port));

    private static ImmutableArray<Taint> TaintsOf(KubeObject node) => [.. node.Root.Items("spec", "taints").Select(Taint.Read)];
}
