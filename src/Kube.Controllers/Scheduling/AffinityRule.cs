using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>Required pod affinity and anti-affinity, the pod's own and that of the pods already there.</summary>
internal sealed class AffinityRule
{
    private readonly PodDemand _pod;

    // Per term of the pod's affinity: the domains that hold a pod which all terms select.
    private readonly ImmutableArray<HashSet<string>> _near;
    private readonly ImmutableArray<HashSet<string>> _kept;

    // Domains, by key and value, from which some pod there keeps this one away.
    private readonly HashSet<(string Key, string Value)> _closed = [];
    private readonly bool _isFirst;

    public AffinityRule(PodDemand pod, SchedulingView view)
    {
        _pod = pod;
        _near = [.. pod.Affinity.Select(static _ => new HashSet<string>(StringComparer.Ordinal))];
        _kept = [.. pod.AntiAffinity.Select(static _ => new HashSet<string>(StringComparer.Ordinal))];
        var looksAtAll = !pod.Affinity.IsEmpty || !pod.AntiAffinity.IsEmpty;
        foreach (var node in view.Nodes)
        {
            if (!looksAtAll && node.PodsWithAntiAffinity == 0) continue;
            foreach (var other in node.Pods) Look(node, other, view);
        }

        // The first of a group that wants to be together would wait for ever for itself.
        _isFirst = _near.All(static n => n.Count == 0) && pod.Affinity.All(t => t.Selects(pod.Pod, view.NamespaceLabels));
    }

    private void Look(NodeState node, PodDemand other, SchedulingView view)
    {
        var labels = node.Node.Meta.Labels;
        if (!_pod.Affinity.IsEmpty && _pod.Affinity.All(t => t.Selects(other.Pod, view.NamespaceLabels)))
        {
            for (var i = 0; i < _near.Length; i++)
            {
                if (labels.TryGetValue(_pod.Affinity[i].TopologyKey, out var domain)) _near[i].Add(domain);
            }
        }

        for (var i = 0; i < _kept.Length; i++)
        {
            if (_pod.AntiAffinity[i].Selects(other.Pod, view.NamespaceLabels) && labels.TryGetValue(_pod.AntiAffinity[i].TopologyKey, out var domain)) _kept[i].Add(domain);
        }

        foreach (var term in other.AntiAffinity)
        {
            if (term.Selects(_pod.Pod, view.NamespaceLabels) && labels.TryGetValue(term.TopologyKey, out var domain)) _closed.Add((term.TopologyKey, domain));
        }
    }

    public Refusal? Ask(NodeState node)
    {
        var labels = node.Node.Meta.Labels;
        for (var i = 0; i < _near.Length; i++)
        {
            var isNear = labels.TryGetValue(_pod.Affinity[i].TopologyKey, out var domain) && (_isFirst || _near[i].Contains(domain));
            if (!isNear) return new Refusal("node(s) didn't match pod affinity rules", true);
        }

        for (var i = 0; i < _kept.Length; i++)
        {
            if (labels.TryGetValue(_pod.AntiAffinity[i].TopologyKey, out var domain) && _kept[i].Contains(domain)) return new Refusal("node(s) didn't match pod anti-affinity rules", false);
        }

        foreach (var (key, value) in _closed)
        {
            if (labels.TryGetValue(key, out var domain) && domain == value) return new Refusal("node(s) didn't satisfy existing pods anti-affinity rules", false);
        }

        return null;
    }
}
