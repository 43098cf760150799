using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>The time that newly set conditions carry.</summary>
internal readonly record struct ConditionClock(DateTimeOffset Now);

/// <summary>
/// The list of conditions with kubeflow's transition rules (spec 3.4): same status and reason changes nothing, another
/// reason keeps lastTransitionTime, a changed condition moves to the end, an end turns Running (and success an earlier
/// Failed) to False without touching anything else of it, Running and Restarting displace each other.
/// </summary>
internal sealed class JobConditions
{
    private readonly List<JsonObject> _items = [];

    public static JobConditions Read(JsonElement status)
    {
        var conditions = new JobConditions();
        foreach (var item in status.Items("conditions"))
        {
            if (item.ToTree() is JsonObject tree) conditions._items.Add(tree);
        }

        return conditions;
    }

    public bool IsTrue(string type) => Said(type) == true;

    /// <summary>What was said about a condition: null when nothing was, or that it is unknown.</summary>
    public bool? Said(string type) => Text(Find(type), "status") switch { "True" => true, "False" => false, _ => null };

    public RunRemark? Remark(string type) =>
        Said(type) == true && Find(type) is { } found ? new RunRemark(Text(found, "reason"), Text(found, "message")) : null;

    public RunOutcome? Outcome =>
        IsTrue("Succeeded") ? new RunOutcome.Succeeded()
        : Remark("Failed") is { } failed ? new RunOutcome.Failed(failed.Reason, failed.Message)
        : null;

    public void Set(string type, bool status, string reason, string message, ConditionClock clock)
    {
        var word = status ? "True" : "False";
        var present = Find(type);
        if (present is not null && Text(present, "status") == word && Text(present, "reason") == reason) return;
        Replace(type, word, reason, message, present, clock);
    }

    /// <summary>A remark of ours: its message counts, too; and it is settled, not removed, so that <c>kubectl wait</c> can wait for that.</summary>
    public void SetRemark(string type, RunRemark? remark, string settledReason, string settledMessage, ConditionClock clock)
    {
        var present = Find(type);
        if (remark is null)
        {
            if (Said(type) == true) Set(type, false, settledReason, settledMessage, clock);
        }
        else if (present is null || Text(present, "status") != "True" || Text(present, "reason") != remark.Reason || Text(present, "message") != remark.Message)
        {
            Replace(type, "True", remark.Reason, remark.Message, present, clock);
        }
    }

    public JsonArray ToTree() => new([.. _items.Select(static i => i.DeepClone())]);

    private void Replace(string type, string status, string reason, string message, JsonObject? present, ConditionClock clock)
    {
        var since = KubeTime.Format(clock.Now);
        var transition = present is not null && Text(present, "status") == status && Text(present, "lastTransitionTime") is { Length: > 0 } kept ? kept : since;
        _items.RemoveAll(i => Text(i, "type") == type
            || (type == "Running" && Text(i, "type") == "Restarting")
            || (type == "Restarting" && Text(i, "type") == "Running"));
        if (type is "Succeeded" or "Failed")
        {
            foreach (var item in _items.Where(static i => Text(i, "type") is "Running" or "Restarting" or "Failed")) item["status"] = "False";
        }

        _items.Add(new JsonObject
        {
            ["type"] = type,
            ["status"] = status,
            ["lastUpdateTime"] = since,
            ["lastTransitionTime"] = transition,
            ["reason"] = reason,
            ["message"] = message,
        });
    }

    private JsonObject? Find(string type) => _items.Find(i => Text(i, "type") == type);

    private static string Text(JsonObject? item, string member) =>
        item?[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}
