using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>An entry of <c>status.conditions</c>. <see cref="Status"/> is <c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
public sealed record Condition(string Type, string Status, string Reason, string Message)
{
    public DateTimeOffset? LastTransitionTime { get; init; }

    public bool IsTrue => Status == "True";

    public static Condition Read(JsonElement condition) => new(
        condition.Text("type") ?? "", condition.Text("status") ?? "", condition.Text("reason") ?? "", condition.Text("message") ?? "")
    {
        LastTransitionTime = condition.Time("lastTransitionTime"),
    };
}

/// <summary>Reading and setting of <c>status.conditions</c>.</summary>
public static class Conditions
{
    /// <param name="holder">An object with a list <c>conditions</c>: a <c>status</c>.</param>
    public static Condition? Find(JsonElement holder, string type)
    {
        foreach (var condition in holder.Items("conditions"))
        {
            if (condition.Text("type") == type) return Condition.Read(condition);
        }

        return null;
    }

    public static bool IsTrue(JsonElement holder, string type) => Find(holder, type) is { IsTrue: true };

    /// <summary>
    /// Sets a condition in a list being built. <c>lastTransitionTime</c> moves only when the status does, and members that are not
    /// set here (<c>lastProbeTime</c>) stay.
    /// </summary>
    /// <returns>Whether anything changed.</returns>
    public static bool Set(JsonArray conditions, Condition condition, DateTimeOffset now)
    {
        var present = conditions.OfType<JsonObject>().FirstOrDefault(c => Text(c, "type") == condition.Type);
        if (present is null)
        {
            conditions.Add((JsonNode)new JsonObject
            {
                ["type"] = condition.Type,
                ["status"] = condition.Status,
                ["lastTransitionTime"] = KubeTime.Format(now),
                ["reason"] = condition.Reason,
                ["message"] = condition.Message,
            });
            return true;
        }

        if (Text(present, "status") == condition.Status && Text(present, "reason") == condition.Reason && Text(present, "message") == condition.Message) return false;
        if (Text(present, "status") != condition.Status) present["lastTransitionTime"] = KubeTime.Format(now);
        present["status"] = condition.Status;
        present["reason"] = condition.Reason;
        present["message"] = condition.Message;
        return true;
    }

    private static string Text(JsonObject tree, string member) => tree[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}
