using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>The coscheduling plugin: <c>scheduling.x-k8s.io</c> PodGroup, under whatever name its scheduler was given.</summary>
public sealed class SchedulerPluginsGangs : IGangBackend
{
    public const string GroupLabel = "scheduling.x-k8s.io/pod-group";

    public bool IsGroup(ResourceKind kind) => kind is { Group: "scheduling.x-k8s.io", Kind: "PodGroup" };

    public bool IsQueue(ResourceKind kind) => false;

    public string? GroupOf(PodView pod) => pod.Meta.Labels.TryGetValue(GroupLabel, out var group) && group.Length > 0 ? group : null;

    public GangWish Read(KubeObject group) => new((int)(group.Root.Integer("spec", "minMember") ?? 0))
    {
        MinResources = ResourceAmounts.Read(group.Root.At("spec", "minResources")),
        Timeout = group.Root.Integer("spec", "scheduleTimeoutSeconds") is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : null,
    };

    public string Explain(GangWish wish, GangCount count, GangShortage shortage) => shortage switch
    {
        GangShortage.TooFewPods => $"cannot find enough sibling pods, current pods number: {count.All}, minMember of group: {wish.MinMember}",
        GangShortage.TooFewResources few => $"cluster resource not enough for the PodGroup's minResources: {few.Resource}",
        GangShortage.NoRoom room => $"the PodGroup gets rejected: {room.Fitting + count.Placed} of minMember {wish.MinMember} pods fit; {room.Cause}",
        GangShortage.NoGroup or GangShortage.NoQueue => "PodGroup not found",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    public JsonObject? Status(KubeObject group, ResourceKind kind, GangWish wish, GangCount count, GangShortage? shortage, DateTimeOffset now)
    {
        var before = group.Root.At("status");
        var status = before.ToTree() as JsonObject ?? [];
        var phase = Phase(before.Text("phase") ?? "", wish, count);
        status["phase"] = phase;
        if (phase is not ("" or "Pending") && !before.Has("scheduleStartTime")) status["scheduleStartTime"] = KubeTime.Format(now);
        status.SetUnlessZero("running", count.Running);
        status.SetUnlessZero("succeeded", count.Succeeded);
        status.SetUnlessZero("failed", count.Failed);
        return JsonNode.DeepEquals(before.ToTree() ?? new JsonObject(), status) ? null : status;
    }

    private static string Phase(string before, GangWish wish, GangCount count)
    {
        // Finished and Failed are ends: the plugin's controller looks no further at such a group.
        if (before is "Finished" or "Failed") return before;
        if (count.All < wish.MinMember) return "Pending";
        if (count.Succeeded >= wish.MinMember) return "Finished";
        if (count.Failed > 0 && count.Failed + count.Running + count.Succeeded >= wish.MinMember) return "Failed";
        return count.Succeeded + count.Running >= wish.MinMember ? "Running" : "Scheduling";
    }
}
