using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>kube-batch's PodGroup, the ancestor of Volcano's; it knows no resources of the group.</summary>
internal sealed class KubeBatchGang : GangBackend
{
    public static readonly ResourceKind PodGroup = new("scheduling.incubator.k8s.io", "v1alpha1", "PodGroup", "podgroups");

    private static readonly ResourceKind Queue = new("scheduling.incubator.k8s.io", "v1alpha1", "Queue", "queues", Namespaced: false);

    public override string Name => "kube-batch";
    public override ImmutableArray<ResourceKind> Kinds => [PodGroup];

    /// <summary>A group whose queue is missing is never scheduled, and never told so.</summary>
    public override ResourceKind? QueueKind => Queue;

    internal override JsonObject Spec(ResourceKind kind, Draft draft, GangSize size) => WithoutNulls(new JsonObject
    {
        ["minMember"] = size.Members,
        ["queue"] = draft.Run.Gang?.Queue,
        ["priorityClassName"] = GangSize.PriorityClass(draft.Run),
    });

    internal override void Mark(JsonObject podMetadata, JsonObject podSpec, string group)
    {
        podSpec["schedulerName"] = "kube-batch";
        Annotate(podMetadata, "scheduling.k8s.io/group-name", group);
    }
}
