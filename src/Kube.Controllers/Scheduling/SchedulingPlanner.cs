using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Where a pod goes, or why nowhere.</summary>
public abstract record Placement
{
    private Placement() { }

    public sealed record OnNode(NodeState Node) : Placement;

    /// <param name="Message">In kube-scheduler's words, which users and autoscalers read.</param>
    public sealed record Nowhere(string Message) : Placement;
}

/// <summary>Chooses a node for a pod: first which nodes will do, then the emptiest of them. Pure but for the random choice among equals.</summary>
public static class SchedulingPlanner
{
    public static Placement Place(PodDemand pod, IReadOnlyCollection<NodeState> nodes, Random random)
    {
        if (nodes.Count == 0) return new Placement.Nowhere("no nodes available to schedule pods");
        var refusals = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var best = new List<NodeState>();
        var bestScore = double.MinValue;
        foreach (var node in nodes)
        {
            var reasons = Refusals(pod, node);
            foreach (var reason in reasons) refusals[reason] = refusals.GetValueOrDefault(reason) + 1;
            if (!reasons.IsEmpty) continue;
            var score = FreeShareAfter(pod, node);
            if (score > bestScore) best.Clear();
            if (score < bestScore) continue;
            bestScore = score;
            best.Add(node);
        }

        return best.Count > 0
            ? new Placement.OnNode(best.Count == 1 ? best[0] : best[random.Next(best.Count)])
            : new Placement.Nowhere($"0/{nodes.Count} nodes are available: {Count(refusals)}.");
    }

    /// <summary>Why a node will not do; empty when it will. Like kube-scheduler's filters, only the first rule that fails speaks.</summary>
    private static ImmutableArray<string> Refusals(PodDemand pod, NodeState node)
    {
        var unschedulable = new Taint("node.kubernetes.io/unschedulable", "", "NoSchedule");
        if (node.IsUnschedulable && !pod.Tolerates(unschedulable)) return ["node(s) were unschedulable"];

        // Thousands of nodes are asked for each pod: what is mostly empty is not enumerated.
        foreach (var taint in node.Taints)
        {
            if (taint.Repels && !pod.Tolerates(taint)) return [$"node(s) had untolerated taint {{{taint.Key}: {taint.Value}}}"];
        }

        var labels = node.Node.Meta.Labels;
        var isSelected = (pod.NodeSelector.IsEmpty || pod.NodeSelector.All(s => labels.TryGetValue(s.Key, out var value) && value == s.Value))
            && (pod.RequiredNodeTerms is not { } terms || terms.Any(t => t.Matches(node.Node.Meta)));
        if (!isSelected) return ["node(s) didn't match Pod's node affinity/selector"];

        if (!pod.HostPorts.IsEmpty && pod.HostPorts.Any(node.HoldsPort)) return ["node(s) didn't have free ports for the requested pod ports"];

        // A resource that is not asked for is never short, even on a node that is overcommitted.
        ImmutableArray<string>.Builder? shortages = null;
        foreach (var (resource, amount) in pod.Requests)
        {
            if (amount.IsZero || node.Used[resource] + amount <= node.Allocatable[resource]) continue;
            (shortages ??= ImmutableArray.CreateBuilder<string>()).Add(resource == "pods" ? "Too many pods" : $"Insufficient {resource}");
        }

        return shortages?.ToImmutable() ?? [];
    }

    /// <summary>The share of cpu and memory that stays free, from 0 to 1: pods spread over the emptiest nodes.</summary>
    private static double FreeShareAfter(PodDemand pod, NodeState node)
    {
        double Free(string resource)
        {
            var all = node.Allocatable[resource].MilliUnits;
            return all == 0 ? 0 : (double)(all - node.Used[resource].MilliUnits - pod.Requests[resource].MilliUnits) / all;
        }

        // Many pods ask for nothing; the number of pods then spreads them.
        return (Free("cpu") + Free("memory") + Free("pods")) / 3;
    }

    // kube-scheduler sorts the finished phrases, hence "1 node(s)..." before "2 Insufficient cpu".
    private static string Count(SortedDictionary<string, int> refusals) =>
        string.Join(", ", refusals.Select(static r => $"{r.Value} {r.Key}").Order(StringComparer.Ordinal));
}
