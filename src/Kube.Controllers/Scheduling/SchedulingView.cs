using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>The nodes with what is on them, and what else rules look at.</summary>
/// <param name="Nodes">In the order of their names.</param>
/// <param name="NamespaceLabels">The labels of a namespace; none for one that does not exist.</param>
public sealed record SchedulingView(IReadOnlyList<NodeState> Nodes, Func<string, IReadOnlyDictionary<string, string>> NamespaceLabels)
{
    public static SchedulingView Of(params IEnumerable<NodeState> nodes) => new([.. nodes], static _ => ImmutableDictionary<string, string>.Empty);

    /// <summary>Whether any pod keeps others away, so that every pod must look at it.</summary>
    public bool HasAntiAffinity { get; } = Nodes.Any(static n => n.PodsWithAntiAffinity > 0);
}
