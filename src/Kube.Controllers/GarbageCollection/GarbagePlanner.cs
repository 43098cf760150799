using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Controllers;

/// <param name="Owners">The state of each owner the object names, in their order.</param>
/// <param name="Dependents">The objects that name this one as owner.</param>
public sealed record ObservedGarbage(GarbageNode Node, ImmutableArray<(OwnerReference Reference, OwnerState State)> Owners, ImmutableArray<GarbageNode> Dependents);

public abstract record GarbageAction
{
    private GarbageAction() { }

    /// <summary>Ask the API server for the owners that were not seen, then decide again.</summary>
    public sealed record Verify(ImmutableArray<OwnerReference> Owners) : GarbageAction;

    public sealed record Delete(string Propagation) : GarbageAction;

    /// <summary>Take owner references out of an object: of the node itself, or of its dependents.</summary>
    public sealed record Disown(GarbageNode From, ImmutableArray<string> OwnerUids) : GarbageAction;

    /// <summary>Let the node go: the last condition of its deletion is met.</summary>
    public sealed record RemoveFinalizer(string Finalizer) : GarbageAction;
}

/// <summary>Decides what becomes of one object because of its owners, and because of its own deletion's wishes for its dependents.</summary>
public static class GarbagePlanner
{
    public static ImmutableArray<GarbageAction> Plan(ObservedGarbage seen)
    {
        var node = seen.Node;
        if (node.OrphansDependents)
        {
            return seen.Dependents.IsEmpty
                ? [new GarbageAction.RemoveFinalizer(GarbageNode.OrphanFinalizer)]
                : [.. seen.Dependents.Select(d => new GarbageAction.Disown(d, [node.Uid]))];
        }

        if (node.WaitsForDependents)
        {
            // Dependents see their owner waiting and delete themselves; only those that say so hold it back.
            return seen.Dependents.Any(d => d.Owners.Any(o => o.Uid == node.Uid && o.BlockOwnerDeletion))
                ? []
                : [new GarbageAction.RemoveFinalizer(GarbageNode.ForegroundFinalizer)];
        }

        return node.IsDeleting || seen.Owners.IsEmpty ? [] : PlanByOwners(seen);
    }

    private static ImmutableArray<GarbageAction> PlanByOwners(ObservedGarbage seen)
    {
        ImmutableArray<OwnerReference> In(OwnerState state) => [.. seen.Owners.Where(o => o.State == state).Select(static o => o.Reference)];

        if (In(OwnerState.Unverified) is { IsEmpty: false } unknown) return [new GarbageAction.Verify(unknown)];

        ImmutableArray<OwnerReference> letGo = [.. In(OwnerState.Absent), .. In(OwnerState.WaitsForDependents)];
        var isHeld = seen.Owners.Any(static o => o.State is OwnerState.Present or OwnerState.Unresolvable);
        if (isHeld) return letGo.IsEmpty ? [] : [new GarbageAction.Disown(seen.Node, [.. letGo.Select(static o => o.Uid)])];

        // An owner that waits for this object means its dependents too, if it has any.
        var inForeground = !seen.Dependents.IsEmpty && seen.Owners.Any(static o => o.State == OwnerState.WaitsForDependents);
        return [new GarbageAction.Delete(inForeground ? "Foreground" : PropagationOf(seen.Node))];
    }

    // Who put one of the two finalizers on an object in advance has chosen how it is to go.
    private static string PropagationOf(GarbageNode node) =>
        node.Finalizers.Contains(GarbageNode.OrphanFinalizer) ? "Orphan"
        : node.Finalizers.Contains(GarbageNode.ForegroundFinalizer) ? "Foreground"
        : "Background";

    /// <summary>Whether an object that was found is the owner meant: the same incarnation, in a place that may own the node.</summary>
    public static OwnerState StateOf(GarbageNode node, OwnerReference reference, GarbageNode? found)
    {
        ArgumentNullException.ThrowIfNull(reference);
        if (found is null || found.Uid != reference.Uid) return OwnerState.Absent;
        if (found.Kind.Namespaced && found.Key.Namespace != node.Key.Namespace)
        {
            // Owners of another namespace do not exist for the API; a cluster-scoped object cannot name the namespace at all.
            return node.Kind.Namespaced ? OwnerState.Absent : OwnerState.Unresolvable;
        }

        return found.WaitsForDependents ? OwnerState.WaitsForDependents : OwnerState.Present;
    }
}
