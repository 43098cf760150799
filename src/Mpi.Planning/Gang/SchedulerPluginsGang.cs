using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>The coscheduling plugin of kubernetes-sigs/scheduler-plugins, whose scheduler may be called anything.</summary>
internal sealed class SchedulerPluginsGang(string schedulerName) : GangBackend
{
    public static readonly ResourceKind PodGroup = new("scheduling.x-k8s.io", "v1alpha1", "PodGroup", "podgroups");

    public override string Name => $"scheduler-plugins ({schedulerName})";
    public override ImmutableArray<ResourceKind> Kinds => [PodGroup];

    internal override JsonObject Spec(ResourceKind kind, Draft draft, GangSize size) => WithoutNulls(new JsonObject
    {
        ["minMember"] = size.Members,
        ["minResources"] = size.MinResources,
        ["scheduleTimeoutSeconds"] = draft.Run.Gang?.ScheduleTimeoutSeconds ?? 0,
    });

    internal override void Mark(JsonObject podMetadata, JsonObject podSpec, string group)
    {
        podSpec["schedulerName"] = schedulerName;
        podMetadata.Object("labels")["scheduling.x-k8s.io/pod-group"] = group;
    }
}
