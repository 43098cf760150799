using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>What a Deployment says of itself: counters, and the conditions Available and Progressing by which <c>kubectl rollout status</c> goes.</summary>
internal static class DeploymentStatus
{
    private const string TimedOut = "ProgressDeadlineExceeded";
    private const string Done = "NewReplicaSetAvailable";

    public static JsonObject Of(ObservedDeployment seen, ReplicaSetView? newSet, JsonObject? created)
    {
        var deployment = seen.Deployment;
        var total = seen.Sets.Sum(static s => s.Present);
        var available = seen.Sets.Sum(static s => s.Available);
        var status = deployment.Status.ToTree() as JsonObject ?? [];
        status["observedGeneration"] = deployment.Meta.Generation;
        status.SetUnlessZero("replicas", total);
        status.SetUnlessZero("updatedReplicas", newSet?.Present ?? 0);
        status.SetUnlessZero("readyReplicas", seen.Sets.Sum(static s => s.Ready));
        status.SetUnlessZero("availableReplicas", available);
        status.SetUnlessZero("unavailableReplicas", Math.Max(0, Math.Max(total, created is null ? seen.Sets.Sum(static s => s.Replicas) : total) - available));
        status["terminatingReplicas"] = seen.Sets.Sum(static s => s.Terminating);
        return status;
    }

    /// <returns>The status with its conditions, and when the deadline for progress is over.</returns>
    public static (JsonObject Status, DateTimeOffset? Again) WithConditions(ObservedDeployment seen, ReplicaSetView? newSet, JsonObject? created, JsonObject status)
    {
        var deployment = seen.Deployment;
        var conditions = status.Array("conditions");
        var isAvailable = Count(status, "availableReplicas") >= deployment.Replicas - deployment.MaxUnavailable;
        Set(conditions, isAvailable
            ? new Condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
            : new Condition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."), seen.Now);

        var failure = seen.Sets.Select(static s => Conditions.Find(s.Status, "ReplicaFailure")).FirstOrDefault(static c => c is { IsTrue: true });
        if (failure is not null) Set(conditions, failure, seen.Now);
        else Remove(conditions, "ReplicaFailure");

        var before = Conditions.Find(deployment.Status, "Progressing");
        var name = newSet?.Meta.Name ?? (string?)created?["metadata"]?["name"];
        if (deployment.IsPaused)
        {
            if (before?.Reason != TimedOut) Set(conditions, new Condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused"), seen.Now);
            return (status, null);
        }

        if (deployment.ProgressDeadline is not { } patience || name is null)
        {
            if (name is not null) Remove(conditions, "Progressing");
            return (status, null);
        }

        var isComplete = created is null && Count(status, "updatedReplicas") == deployment.Replicas && Count(status, "replicas") == deployment.Replicas
            && Count(status, "availableReplicas") == deployment.Replicas;
        if (isComplete)
        {
            Set(conditions, new Condition("Progressing", "True", Done, $"ReplicaSet \"{name}\" has successfully progressed."), seen.Now);
            return (status, null);
        }

        if (created is not null)
        {
            Set(conditions, new Condition("Progressing", "True", "NewReplicaSetCreated", $"Created new replica set \"{name}\""), seen.Now, always: true);
            return (status, seen.Now + patience);
        }

        var isProgress = Count(status, "updatedReplicas") > Was("updatedReplicas") || Count(status, "readyReplicas") > Was("readyReplicas") || Count(status, "availableReplicas") > Was("availableReplicas")
            || Count(status, "replicas") - Count(status, "updatedReplicas") < Was("replicas") - Was("updatedReplicas");
        if (isProgress || before is null || (before.Reason == Done && !WasComplete()) || before.Reason == "DeploymentPaused")
        {
            Set(conditions, new Condition("Progressing", "True", "ReplicaSetUpdated", $"ReplicaSet \"{name}\" is progressing."), seen.Now, always: true);
            return (status, seen.Now + patience);
        }

        // What was complete once and lost pods since is not rolling out: no deadline runs.
        if (before.Reason is Done or TimedOut) return (status, null);
        var due = (deployment.Status.Items("conditions").First(static c => c.Text("type") == "Progressing").Time("lastUpdateTime") ?? seen.Now) + patience;
        if (due > seen.Now) return (status, due);
        Set(conditions, new Condition("Progressing", "False", TimedOut, $"ReplicaSet \"{name}\" has timed out progressing."), seen.Now);
        return (status, null);

        int Was(string member) => (int)(deployment.Status.Integer(member) ?? 0);

        // The template has changed since: that set is not the one which was complete.
        bool WasComplete() => before.Message.Contains($"\"{name}\"", StringComparison.Ordinal);
    }

    private static int Count(JsonObject status, string member) => status[member] is JsonValue value && value.TryGetValue<int>(out var count) ? count : 0;

    /// <param name="always">Say when, even where nothing else changes: progress was made.</param>
    private static void Set(JsonArray conditions, Condition condition, DateTimeOffset now, bool always = false)
    {
        if (!Conditions.Set(conditions, condition, now) && !always) return;
        var entry = conditions.OfType<JsonObject>().First(c => (string?)c["type"] == condition.Type);
        entry["lastUpdateTime"] = KubeTime.Format(now);
    }

    private static void Remove(JsonArray conditions, string type)
    {
        foreach (var old in conditions.OfType<JsonObject>().Where(c => (string?)c["type"] == type).ToList()) conditions.Remove(old);
    }
}
