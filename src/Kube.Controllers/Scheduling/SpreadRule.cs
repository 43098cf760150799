using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>Required topology spread: no domain may hold more than maxSkew pods beyond the emptiest one.</summary>
internal sealed class SpreadRule
{
    private readonly PodDemand _pod;
    private readonly ImmutableArray<(SpreadConstraint Constraint, Dictionary<string, int> Counts, int Least, int Own)> _domains;

    public SpreadRule(PodDemand pod, SchedulingView view)
    {
        _pod = pod;
        var required = pod.Spread.Where(static s => s.IsRequired).ToList();
        _domains = [.. required.Select(Count)];

        (SpreadConstraint, Dictionary<string, int>, int, int) Count(SpreadConstraint constraint)
        {
            var counts = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var node in view.Nodes)
            {
                // A node without all of the keys belongs to no domain.
                if (!constraint.Counts(pod, node) || !required.All(r => node.Node.Meta.Labels.ContainsKey(r.TopologyKey))) continue;
                var domain = node.Node.Meta.Labels[constraint.TopologyKey];
                counts[domain] = counts.GetValueOrDefault(domain) + node.Pods.Count(p => constraint.Selects(p.Pod, pod.Pod.Meta.Namespace));
            }

            var least = counts.Count == 0 || counts.Count < constraint.MinDomains ? 0 : counts.Values.Min();
            return (constraint, counts, least, constraint.Selector.Matches(pod.Pod.Meta.Labels) ? 1 : 0);
        }
    }

    public Refusal? Ask(NodeState node)
    {
        foreach (var (constraint, counts, least, own) in _domains)
        {
            if (!node.Node.Meta.Labels.TryGetValue(constraint.TopologyKey, out var domain))
            {
                return new Refusal("node(s) didn't match pod topology spread constraints (missing required label)", true);
            }

            if (counts.GetValueOrDefault(domain) + own - least > constraint.MaxSkew) return new Refusal("node(s) didn't match pod topology spread constraints", false);
        }

        return null;
    }
}
