using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Kubernetes' own (KEP-4671, since 1.36): <c>scheduling.k8s.io</c> PodGroup, named by the pod's <c>spec.schedulingGroup</c>.</summary>
public sealed class WorkloadGangs : IGangBackend
{
    public bool IsGroup(ResourceKind kind) => kind is { Group: "scheduling.k8s.io", Kind: "PodGroup" };

    public bool IsQueue(ResourceKind kind) => false;

    public string? GroupOf(PodView pod) => pod.Spec.Text("schedulingGroup", "podGroupName") is { Length: > 0 } group ? group : null;

    // The policy basic groups pods without asking for anything.
    public GangWish Read(KubeObject group) => new((int)(group.Root.Integer("spec", "schedulingPolicy", "gang", "minCount") ?? 0));

    public string Explain(GangWish wish, GangCount count, GangShortage shortage) => shortage switch
    {
        GangShortage.NoGroup => "waiting for the pod's pod group to appear",
        GangShortage.TooFewPods => $"waiting for minCount pods from a gang to appear: {count.All} of {wish.MinMember}",
        GangShortage.NoRoom room => $"{room.Fitting + count.Placed} of minCount {wish.MinMember} pods of the group fit; {room.Cause}",
        GangShortage.TooFewResources or GangShortage.NoQueue => "the pod group cannot be scheduled",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    public JsonObject? Status(KubeObject group, ResourceKind kind, GangWish wish, GangCount count, GangShortage? shortage, DateTimeOffset now)
    {
        // Renamed when it became a condition that never goes back (1.37).
        var type = kind.Version == "v1alpha2" ? "PodGroupScheduled" : "PodGroupInitiallyScheduled";
        var isScheduled = count.Placed + count.Succeeded >= Math.Max(1, wish.MinMember);
        if (!isScheduled && shortage is null) return null;
        var before = group.Root.At("status");
        if (!isScheduled && Conditions.Find(before, type) is { IsTrue: true }) return null;
        var status = before.ToTree() as JsonObject ?? [];
        var condition = isScheduled
            ? new Condition(type, "True", "Scheduled", "All required pods have been successfully scheduled")
            : new Condition(type, "False", "Unschedulable", Explain(wish, count, shortage!));
        if (!Conditions.Set(status.Array("conditions"), condition, now)) return null;
        status["conditions"]!.AsArray().OfType<JsonObject>().First(c => c["type"]!.GetValue<string>() == type)["observedGeneration"] = group.Meta.Generation;
        return status;
    }
}
