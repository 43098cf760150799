using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>Where a pod goes, or why nowhere.</summary>
public abstract record Placement
{
    private Placement() { }

    public sealed record OnNode(NodeState Node) : Placement;

    /// <param name="Message">In kube-scheduler's words, which users and autoscalers read.</param>
    /// <param name="Contested">The nodes that would do if some pods left them.</param>
    public sealed record Nowhere(string Message, ImmutableArray<NodeState> Contested) : Placement;
}

/// <summary>Chooses a node for a pod: first which nodes will do, then the best of them. Pure but for the random choice among equals.</summary>
public static class SchedulingPlanner
{
    /// <summary>With so many nodes that will do no further one is looked for: kube-scheduler too looks at a part of a large cluster.</summary>
    private const int CandidatesMax = 100;

    /// <param name="first">With how many nodes to begin later in their order, so that a large cluster is filled evenly.</param>
    public static Placement Place(PodDemand pod, SchedulingView view, Random random, int first = 0)
    {
        var nodes = view.Nodes;
        if (nodes.Count == 0) return new Placement.Nowhere("no nodes available to schedule pods", []);
        var filter = new NodeFilter(pod, view);
        var refusals = new Dictionary<string, int>(StringComparer.Ordinal);
        var candidates = new List<NodeState>();
        var contested = ImmutableArray.CreateBuilder<NodeState>();
        for (var i = 0; i < nodes.Count && candidates.Count < CandidatesMax; i++)
        {
            var node = nodes[(first + i) % nodes.Count];
            var reasons = filter.Ask(node);
            if (reasons.IsEmpty)
            {
                candidates.Add(node);
                continue;
            }

            foreach (var refusal in reasons) refusals[refusal.Reason] = refusals.GetValueOrDefault(refusal.Reason) + 1;
            if (reasons.All(static r => !r.IsFinal)) contested.Add(node);
        }

        return candidates.Count > 0
            ? new Placement.OnNode(Best(pod, candidates, view, random))
            : new Placement.Nowhere($"0/{nodes.Count} nodes are available: {Count(refusals)}.", contested.ToImmutable());
    }

    private static NodeState Best(PodDemand pod, List<NodeState> candidates, SchedulingView view, Random random)
    {
        if (candidates.Count == 1) return candidates[0];
        var scores = NodeScores.Of(pod, candidates, view);
        var top = scores.Max();
        var best = Enumerable.Range(0, candidates.Count).Where(i => scores[i] >= top).ToList();
        return candidates[best[best.Count == 1 ? 0 : random.Next(best.Count)]];
    }

    // kube-scheduler sorts the finished phrases, hence "1 node(s)..." before "2 Insufficient cpu".
    internal static string Count(IEnumerable<KeyValuePair<string, int>> refusals) =>
        string.Join(", ", refusals.Select(static r => $"{r.Value} {r.Key}").Order(StringComparer.Ordinal));
}
