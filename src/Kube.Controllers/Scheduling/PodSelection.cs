using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Pods, and what counts as near: nodes whose label <paramref name="TopologyKey"/> has the same value.</summary>
/// <param name="Namespaces">Where the pods are looked for; empty with a <paramref name="NamespaceSelector"/> that decides alone.</param>
/// <param name="Weight">Of a preference; negative for one against.</param>
public sealed record PodAffinityTerm(LabelSelector Selector, ImmutableArray<string> Namespaces, LabelSelector NamespaceSelector, string TopologyKey, int Weight)
{
    public static PodAffinityTerm Read(JsonElement term, PodView pod, int weight)
    {
        ImmutableArray<string> namespaces = [.. term.Items("namespaces").Select(static n => n.GetString() ?? "")];
        var selector = LabelSelector.Read(term.At("namespaceSelector"), "namespaceSelector", []);
        // Neither given means the pod's own namespace.
        if (namespaces.IsEmpty && !term.Has("namespaceSelector")) namespaces = [pod.Meta.Namespace];
        var pods = LabelSelector.Read(term.At("labelSelector"), "labelSelector", []);
        return new PodAffinityTerm(
            SelectorKeys.Narrow(SelectorKeys.Narrow(pods, term.At("matchLabelKeys"), pod, LabelOperator.In), term.At("mismatchLabelKeys"), pod, LabelOperator.NotIn),
            namespaces, selector, term.Text("topologyKey") ?? "", weight);
    }

    /// <param name="labelsOf">The labels of a namespace.</param>
    public bool Selects(PodView pod, Func<string, IReadOnlyDictionary<string, string>> labelsOf) =>
        Selector.Matches(pod.Meta.Labels)
        && (Namespaces.Contains(pod.Meta.Namespace) || (!NamespaceSelector.MatchesNothing && NamespaceSelector.Matches(labelsOf(pod.Meta.Namespace))));
}

/// <summary>An entry of <c>spec.topologySpreadConstraints</c>.</summary>
public sealed record SpreadConstraint(int MaxSkew, string TopologyKey, bool IsRequired, LabelSelector Selector, int MinDomains, bool HonorsAffinity, bool HonorsTaints)
{
    public static SpreadConstraint Read(JsonElement c, PodView pod) => new(
        (int)(c.Integer("maxSkew") ?? 1),
        c.Text("topologyKey") ?? "",
        c.Text("whenUnsatisfiable") != "ScheduleAnyway",
        SelectorKeys.Narrow(LabelSelector.Read(c.At("labelSelector"), "labelSelector", []), c.At("matchLabelKeys"), pod, LabelOperator.In),
        (int)(c.Integer("minDomains") ?? 1),
        c.Text("nodeAffinityPolicy") != "Ignore",
        c.Text("nodeTaintsPolicy") == "Honor");

    /// <summary>Whether the node counts for this pod's constraint at all.</summary>
    public bool Counts(PodDemand pod, NodeState node) =>
        node.Node.Meta.Labels.ContainsKey(TopologyKey)
        && (!HonorsAffinity || pod.Selects(node.Node))
        && (!HonorsTaints || node.Taints.All(t => !t.Repels || pod.Tolerates(t)));

    public bool Selects(PodView pod, string ns) => pod.Meta.Namespace == ns && !pod.IsTerminating && Selector.Matches(pod.Meta.Labels);
}

internal static class SelectorKeys
{
    /// <summary><c>matchLabelKeys</c>: the selected pods have the same value of these labels as the pod itself, or another one.</summary>
    public static LabelSelector Narrow(LabelSelector selector, JsonElement keys, PodView pod, LabelOperator by)
    {
        if (keys.ValueKind != JsonValueKind.Array || selector.MatchesNothing) return selector;
        var more = keys.EnumerateArray().Select(static k => k.GetString() ?? "")
            .Where(k => pod.Meta.Labels.ContainsKey(k)).Select(k => new LabelRequirement(k, by, [pod.Meta.Labels[k]]));
        return LabelSelector.ForRequirements([.. selector.Requirements, .. more]);
    }
}
