namespace Kube.Controllers;

/// <summary>
/// Which of the nodes that will do is best: each measure is stretched to 0 to 100 over the candidates and weighs as much as the
/// scheduler of Kubernetes gives it.
/// </summary>
internal static class NodeScores
{
    public static double[] Of(PodDemand pod, IReadOnlyList<NodeState> candidates, SchedulingView view)
    {
        var scores = new double[candidates.Count];
        Add(1, n => 100 * FreeShareAfter(pod, n), stretched: false);
        if (candidates.Any(static n => n.Taints.Any(static t => !t.Repels))) Add(3, n => -n.Taints.Count(t => !t.Repels && !pod.Tolerates(t)));
        if (!pod.PreferredNodeTerms.IsEmpty) Add(2, n => pod.PreferredNodeTerms.Sum(t => t.Term.Matches(n.Node.Meta) ? t.Weight : 0));
        if (!pod.PreferredAffinity.IsEmpty) Add(2, new Nearness(pod, view).Of);
        if (pod.Spread.Any(static s => !s.IsRequired)) Add(2, new Crowding(pod, view).Of);
        return scores;

        void Add(double weight, Func<NodeState, double> measure, bool stretched = true)
        {
            var values = candidates.Select(measure).ToArray();
            var (low, high) = (values.Min(), values.Max());
            for (var i = 0; i < values.Length; i++)
            {
                if (!stretched) scores[i] += weight * values[i];
                else if (high > low) scores[i] += weight * 100 * (values[i] - low) / (high - low);
            }
        }
    }

    /// <summary>The share of cpu and memory that stays free, from 0 to 1: pods spread over the emptiest nodes.</summary>
    private static double FreeShareAfter(PodDemand pod, NodeState node)
    {
        double Free(string resource)
        {
            var all = node.Allocatable[resource];
            return all == 0 ? 0 : (double)(all - node.Used[resource] - pod.Requests[resource]) / all;
        }

        // Many pods ask for nothing; the number of pods then spreads them.
        return (Free("cpu") + Free("memory") + Free("pods")) / 3;
    }

    /// <summary>How much the pod likes the pods in a node's domains.</summary>
    private sealed class Nearness
    {
        private readonly Dictionary<(string Key, string Value), double> _weights = [];

        public Nearness(PodDemand pod, SchedulingView view)
        {
            foreach (var node in view.Nodes)
            {
                foreach (var term in pod.PreferredAffinity)
                {
                    if (!node.Node.Meta.Labels.TryGetValue(term.TopologyKey, out var domain)) continue;
                    var hits = node.Pods.Count(p => term.Selects(p.Pod, view.NamespaceLabels));
                    if (hits > 0) _weights[(term.TopologyKey, domain)] = _weights.GetValueOrDefault((term.TopologyKey, domain)) + (hits * term.Weight);
                }
            }
        }

        public double Of(NodeState node) => _weights.Sum(w => node.Node.Meta.Labels.TryGetValue(w.Key.Key, out var domain) && domain == w.Key.Value ? w.Value : 0);
    }

    /// <summary>How many pods that the preferred spread counts are in a node's domains already: the fewer the better.</summary>
    private sealed class Crowding
    {
        private readonly List<(SpreadConstraint Constraint, Dictionary<string, int> Counts)> _domains = [];

        public Crowding(PodDemand pod, SchedulingView view)
        {
            foreach (var constraint in pod.Spread.Where(static s => !s.IsRequired))
            {
                var counts = new Dictionary<string, int>(StringComparer.Ordinal);
                foreach (var node in view.Nodes)
                {
                    if (!constraint.Counts(pod, node)) continue;
                    var domain = node.Node.Meta.Labels[constraint.TopologyKey];
                    counts[domain] = counts.GetValueOrDefault(domain) + node.Pods.Count(p => constraint.Selects(p.Pod, pod.Pod.Meta.Namespace));
                }

                _domains.Add((constraint, counts));
            }
        }

        public double Of(NodeState node) => -_domains.Sum(d => node.Node.Meta.Labels.TryGetValue(d.Constraint.TopologyKey, out var domain) ? d.Counts.GetValueOrDefault(domain) : 1_000_000);
    }
}
