using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>Volcano's PodGroup.</summary>
internal sealed class VolcanoGang : GangBackend
{
    public static readonly ResourceKind PodGroup = new("scheduling.volcano.sh", "v1beta1", "PodGroup", "podgroups");
    private const string QueueAnnotation = "scheduling.volcano.sh/queue-name";

    public override string Name => "Volcano";
    public override ImmutableArray<ResourceKind> Kinds => [PodGroup];
    public override int LeastMembers => 0;

    internal override JsonObject Spec(ResourceKind kind, Draft draft, GangSize size) => WithoutNulls(new JsonObject
    {
        ["minMember"] = size.Members,
        ["queue"] = draft.Run.Gang?.Queue ?? draft.Run.Meta.Annotations.GetValueOrDefault(QueueAnnotation),
        ["priorityClassName"] = GangSize.PriorityClass(draft.Run),
        ["minResources"] = size.MinResources,
    });

    internal override void Mark(JsonObject podMetadata, JsonObject podSpec, string group)
    {
        podSpec["schedulerName"] = "volcano";
        Annotate(podMetadata, "scheduling.k8s.io/group-name", group);
    }
}
