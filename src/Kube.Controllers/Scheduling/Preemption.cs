using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>What pushing out others comes to.</summary>
public abstract record Preemption
{
    private Preemption() { }

    /// <param name="Victims">Pods of lower priority that have to go from the node, the most important first.</param>
    public sealed record Evict(NodeState Node, ImmutableArray<PodDemand> Victims) : Preemption;

    /// <param name="Message">Why nobody is pushed out, in kube-scheduler's words.</param>
    public sealed record Never(string Message) : Preemption;
}

/// <summary>A PodDisruptionBudget as far as preemption looks at it.</summary>
public sealed record DisruptionBudget(string Namespace, LabelSelector Selector, int Allowed);

/// <summary>
/// Finds whom to push out for a pod that fits nowhere: on each node that would do without its pods of lower priority, as few as
/// possible; of those nodes the one where it hurts least (broken budgets first, then the victims' priorities and their number).
/// Budgets are respected where that is possible, and only there, as in kube-scheduler.
/// </summary>
public static class PreemptionPlanner
{
    /// <summary>Nodes looked at: kube-scheduler too takes a part of a large cluster.</summary>
    private const int NodesMax = 100;

    public static Preemption Plan(PodDemand pod, Placement.Nowhere nowhere, SchedulingView view, ImmutableArray<DisruptionBudget> budgets)
    {
        if (!pod.MayPreempt) return new Preemption.Never("not eligible due to preemptionPolicy=Never.");
        var options = new List<Option>();
        var reasons = new Dictionary<string, int>(StringComparer.Ordinal);
        if (view.Nodes.Count > nowhere.Contested.Length) reasons["Preemption is not helpful for scheduling"] = view.Nodes.Count - nowhere.Contested.Length;
        foreach (var node in nowhere.Contested)
        {
            if (options.Count == NodesMax) break;
            if (Try(pod, node, view, budgets) is { } option) options.Add(option);
            else reasons["No preemption victims found for incoming pod"] = reasons.GetValueOrDefault("No preemption victims found for incoming pod") + 1;
        }

        if (options.Count == 0)
        {
            return new Preemption.Never(view.Nodes.Count == 0 ? "" : $"0/{view.Nodes.Count} nodes are available: {SchedulingPlanner.Count(reasons)}.");
        }

        var best = options.OrderBy(static o => o.Violations)
            .ThenBy(static o => o.Victims.IsEmpty ? int.MinValue : o.Victims.Max(static v => v.Priority))
            .ThenBy(static o => o.Victims.Sum(static v => (long)v.Priority + int.MaxValue))
            .ThenBy(static o => o.Victims.Length)
            .ThenByDescending(static o => o.Victims.Min(static v => v.Pod.Status.Time("startTime")))
            .ThenBy(static o => o.Node.Name, StringComparer.Ordinal)
            .First();
        return new Preemption.Evict(best.Node, best.Victims);
    }

    private sealed record Option(NodeState Node, ImmutableArray<PodDemand> Victims, int Violations);

    /// <summary>The fewest pods that must leave the node; null when even all of lower priority would not help.</summary>
    private static Option? Try(PodDemand pod, NodeState node, SchedulingView view, ImmutableArray<DisruptionBudget> budgets)
    {
        var lower = node.Pods.Where(p => p.Priority < pod.Priority)
            .OrderByDescending(static p => p.Priority).ThenBy(static p => p.Pod.Status.Time("startTime")).ThenBy(static p => p.Pod.Meta.Key).ToList();
        if (lower.Count == 0) return null;
        foreach (var victim in lower) node.Release(victim.Pod.Meta.Uid);
        try
        {
            if (!Fits()) return null;
            // Those whose budget would break are let stay first, then the important ones.
            var left = budgets.ToDictionary(static b => b, static b => b.Allowed);
            var breaking = lower.Where(v => Breaks(v, left)).ToHashSet();
            var victims = ImmutableArray.CreateBuilder<PodDemand>();
            var violations = 0;
            foreach (var candidate in lower.OrderBy(v => !breaking.Contains(v)))
            {
                node.Take(candidate);
                if (Fits()) continue;
                node.Release(candidate.Pod.Meta.Uid);
                victims.Add(candidate);
                if (breaking.Contains(candidate)) violations++;
            }

            return new Option(node, [.. victims.OrderByDescending(static v => v.Priority)], violations);
        }
        finally
        {
            foreach (var victim in lower) node.Take(victim);
        }

        bool Fits() => new NodeFilter(pod, view).Ask(node).IsEmpty;
    }

    private static bool Breaks(PodDemand victim, Dictionary<DisruptionBudget, int> left)
    {
        var breaks = false;
        foreach (var budget in left.Keys.ToList())
        {
            if (budget.Namespace != victim.Pod.Meta.Namespace || !budget.Selector.Matches(victim.Pod.Meta.Labels)) continue;
            if (--left[budget] < 0) breaks = true;
        }

        return breaks;
    }
}
