using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>
/// Whether a node will do for a pod. The rules stand in kube-scheduler's order, and like its filters only the first rule that a
/// node breaks speaks (a shortage of several resources is one rule with several words).
/// </summary>
internal sealed class NodeFilter
{
    private static readonly Taint Unschedulable = new("node.kubernetes.io/unschedulable", "", "NoSchedule");

    private readonly PodDemand _pod;
    private readonly SpreadRule? _spread;
    private readonly AffinityRule? _affinity;

    public NodeFilter(PodDemand pod, SchedulingView view)
    {
        _pod = pod;
        if (pod.Spread.Any(static s => s.IsRequired)) _spread = new SpreadRule(pod, view);
        if (!pod.Affinity.IsEmpty || !pod.AntiAffinity.IsEmpty || view.HasAntiAffinity) _affinity = new AffinityRule(pod, view);
    }

    /// <summary>Empty when the node will do. Thousands of nodes are asked for each pod: what is mostly empty is not enumerated.</summary>
    public ImmutableArray<Refusal> Ask(NodeState node)
    {
        if (node.IsUnschedulable && !_pod.Tolerates(Unschedulable)) return [new Refusal("node(s) were unschedulable", true)];
        foreach (var taint in node.Taints)
        {
            if (taint.Repels && !_pod.Tolerates(taint)) return [new Refusal($"node(s) had untolerated taint {{{taint.Key}: {taint.Value}}}", true)];
        }

        if (!_pod.Selects(node.Node)) return [new Refusal("node(s) didn't match Pod's node affinity/selector", true)];
        if (!_pod.HostPorts.IsEmpty && _pod.HostPorts.Any(node.HoldsPort)) return [new Refusal("node(s) didn't have free ports for the requested pod ports", false)];
        if (Shortages(node) is { IsEmpty: false } shortages) return shortages;
        if (_spread?.Ask(node) is { } skewed) return [skewed];
        if (_affinity?.Ask(node) is { } unwanted) return [unwanted];
        return [];
    }

    private ImmutableArray<Refusal> Shortages(NodeState node)
    {
        ImmutableArray<Refusal>.Builder? shortages = null;
        foreach (var (resource, amount) in _pod.Requests)
        {
            // A resource that is not asked for is never short, even on a node that is overcommitted.
            if (amount == 0 || node.Used[resource] + amount <= node.Allocatable[resource]) continue;
            (shortages ??= ImmutableArray.CreateBuilder<Refusal>())
                .Add(new Refusal(resource == "pods" ? "Too many pods" : $"Insufficient {resource}", amount > node.Allocatable[resource]));
        }

        return shortages?.ToImmutable() ?? [];
    }
}
