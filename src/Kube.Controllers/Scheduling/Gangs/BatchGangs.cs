using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// What kube-batch and its successor Volcano have in common: the annotation, queues, phases and the condition Unschedulable.
/// </summary>
public abstract class BatchGangs : IGangBackend
{
    public const string GroupAnnotation = "scheduling.k8s.io/group-name";
    private const string DefaultQueue = "default";

    public abstract bool IsGroup(ResourceKind kind);

    public abstract bool IsQueue(ResourceKind kind);

    public string? GroupOf(PodView pod) => pod.Meta.Annotations.TryGetValue(GroupAnnotation, out var group) && group.Length > 0 ? group : null;

    public GangWish Read(KubeObject group)
    {
        var spec = group.Root.At("spec");
        var queue = spec.Text("queue") ?? "";
        return new GangWish((int)(spec.Integer("minMember") ?? 0))
        {
            MinResources = ResourceAmounts.Read(spec.At("minResources")),
            // Everybody may use the default queue, whether or not somebody has made an object of it.
            Queue = queue == DefaultQueue ? "" : queue,
        };
    }

    public string Explain(GangWish wish, GangCount count, GangShortage shortage) => shortage switch
    {
        GangShortage.NoGroup => "the pod group does not exist",
        GangShortage.NoQueue missing => $"queue {missing.Queue} does not exist",
        GangShortage.TooFewPods => $"pod group is not ready, {States(count)}, {wish.MinMember} minAvailable",
        GangShortage.TooFewResources few => $"pod group is not ready, {States(count)}, {wish.MinMember} minAvailable; resource {few.Resource} in cluster is less than the group's minResources",
        GangShortage.NoRoom room => $"pod group is not ready, {States(count)}, {wish.MinMember} minAvailable; {room.Cause}",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    public JsonObject? Status(KubeObject group, ResourceKind kind, GangWish wish, GangCount count, GangShortage? shortage, DateTimeOffset now)
    {
        var before = group.Root.At("status");
        var status = before.ToTree() as JsonObject ?? [];
        status["phase"] = Phase(before.Text("phase") ?? "", wish, count, shortage);
        status.SetUnlessZero("running", count.Running);
        status.SetUnlessZero("succeeded", count.Succeeded);
        status.SetUnlessZero("failed", count.Failed);
        if (shortage is not null) SetCondition(status, "Unschedulable", shortage is GangShortage.TooFewPods ? "NotEnoughTasks" : "NotEnoughResources", $"{count.Pending}/{count.All} tasks in gang unschedulable: {Explain(wish, count, shortage)}", group.Meta.ResourceVersion, now);
        else if (ReportsScheduled && count.Placed + count.Succeeded >= wish.MinMember && wish.MinMember > 0) SetCondition(status, "Scheduled", "tasks in gang are ready to be scheduled", "", group.Meta.ResourceVersion, now);
        return JsonNode.DeepEquals(before.ToTree() ?? new JsonObject(), status) ? null : status;
    }

    /// <summary>Whether a group that has started is told so in a condition of its own.</summary>
    protected abstract bool ReportsScheduled { get; }

    protected abstract string Phase(string before, GangWish wish, GangCount count, GangShortage? shortage);

    private static string States(GangCount count) => string.Join(", ", new[] { (count.Pending, "Pending"), (count.Placed - count.Running, "Bound"), (count.Running, "Running"), (count.Succeeded, "Succeeded"), (count.Failed, "Failed") }
        .Where(static s => s.Item1 > 0).Select(static s => $"{s.Item1} {s.Item2}").DefaultIfEmpty("0 Pending"));

    private static void SetCondition(JsonObject status, string type, string reason, string message, string transition, DateTimeOffset now)
    {
        var conditions = status.Array("conditions");
        // Of the two conditions the last one written is the one that holds.
        if (conditions.LastOrDefault() is JsonObject last && Text(last, "type") == type && Text(last, "reason") == reason && Text(last, "message") == message) return;
        foreach (var old in conditions.OfType<JsonObject>().Where(c => Text(c, "type") == type).ToList()) conditions.Remove(old);
        conditions.Add((JsonNode)new JsonObject
        {
            ["type"] = type,
            ["status"] = "True",
            ["lastTransitionTime"] = KubeTime.Format(now),
            ["transitionID"] = transition,
            ["reason"] = reason,
            ["message"] = message,
        });
    }

    private static string Text(JsonObject tree, string member) => tree[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}
