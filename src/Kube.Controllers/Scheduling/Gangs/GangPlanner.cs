using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>What becomes of a group's waiting pods.</summary>
internal abstract record GangDecision
{
    private GangDecision() { }

    /// <summary>These pods go to these nodes, all at once. Each is given to its node already.</summary>
    public sealed record Start(ImmutableArray<(PodDemand Pod, NodeState Node)> Placements) : GangDecision;

    public sealed record Wait(GangShortage Shortage) : GangDecision;
}

/// <summary>Places a group all or nothing: the pods are given to nodes one after the other, and taken back when not enough of them fit.</summary>
internal static class GangPlanner
{
    /// <param name="waiting">The group's pods without a node, the important ones first.</param>
    /// <param name="placed">How many of it count as started.</param>
    /// <param name="all">How many of it there are.</param>
    public static GangDecision Decide(GangWish wish, IReadOnlyList<PodDemand> waiting, int placed, int all, ResourceAmounts held, ClusterRoom room, Random random)
    {
        var missing = wish.MinMember - placed;
        if (all < wish.MinMember || waiting.Count < missing) return new GangDecision.Wait(new GangShortage.TooFewPods());
        if (Short(wish.MinResources, held, room.View) is { } resource) return new GangDecision.Wait(new GangShortage.TooFewResources(resource));

        var placements = ImmutableArray.CreateBuilder<(PodDemand, NodeState)>();
        var cause = "";
        foreach (var pod in waiting)
        {
            switch (room.WithNominations(pod, () => SchedulingPlanner.Place(pod, room.View, random)))
            {
                case Placement.OnNode { Node: var node }:
                    room.Take(node, pod);
                    placements.Add((pod, node));
                    break;
                case Placement.Nowhere nowhere:
                    if (cause.Length == 0) cause = nowhere.Message;
                    break;
            }
        }

        if (placements.Count >= missing && placements.Count > 0) return new GangDecision.Start(placements.ToImmutable());
        foreach (var (pod, _) in placements) room.Release(pod.Pod.Meta.Uid);
        return new GangDecision.Wait(new GangShortage.NoRoom(placements.Count, cause));
    }

    /// <summary>A resource of which less is free, or held by the group, than the group asks for as a whole.</summary>
    private static string? Short(ResourceAmounts wanted, ResourceAmounts held, SchedulingView view)
    {
        foreach (var (resource, milli) in wanted)
        {
            var free = held[resource];
            foreach (var node in view.Nodes) free += Math.Max(0, node.Allocatable[resource] - node.Used[resource]);
            if (free < milli) return resource;
        }

        return null;
    }
}
