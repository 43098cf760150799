using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// The status of v1alpha1: <c>launcherStatus</c>, <c>workerReplicas</c>, <c>startTime</c>, <c>completionTime</c> (spec/kubeflow-mpijob.md 7.3, 8). Beside
/// them a job shows what the stored version says, so that nobody has to do without conditions.
/// </summary>
internal static class KubeflowV1Alpha1Status
{
    public static JsonNode? FromHub(JsonElement status)
    {
        if (status.ToTree() is not JsonObject old) return status.ToTree();
        var conditions = JobConditions.Read(status);
        old["launcherStatus"] = (conditions.IsTrue("Succeeded"), conditions.IsTrue("Failed"), status.Integer("replicaStatuses", "Launcher", "active") > 0) switch
        {
            (true, _, _) => "Succeeded",
            (_, true, _) => "Failed",
            (_, _, true) => "Active",
            _ => "",
        };
        old["workerReplicas"] = status.Integer("replicaStatuses", "Worker", "active") ?? 0;
        // It was noted of a success alone.
        if (old["launcherStatus"]!.GetValue<string>() == "Failed") old.Remove("completionTime");
        return old;
    }

    public static JsonNode? ToHub(JsonElement job)
    {
        var status = job.At("status");
        if (status.ToTree() is not JsonObject hub) return status.ToTree();
        // Already in the stored version's words, which the old operator did not have.
        if (status.Has("conditions") || status.Has("state")) return hub;

        var (launcher, conditions) = (new JsonObject(), new JsonArray());
        var name = $"MPIJob {job.Text("metadata", "namespace")}/{job.Text("metadata", "name")}";
        var created = job.Time("metadata", "creationTimestamp");
        Say("Created", "MPIJobCreated", $"{name} is created.", created);
        switch (status.Text("launcherStatus"))
        {
            case "Active":
                launcher["active"] = 1;
                Say("Running", "MPIJobRunning", $"{name} is running.", status.Time("startTime") ?? created);
                break;
            case "Succeeded":
                launcher["succeeded"] = 1;
                Say("Succeeded", "MPIJobSucceeded", $"{name} successfully completed.", Ended());
                break;
            case "Failed":
                launcher["failed"] = 1;
                Say("Failed", "MPIJobFailed", $"{name} has failed", Ended());
                break;
        }

        var workers = new JsonObject();
        if (status.Integer("workerReplicas") is > 0 and <= int.MaxValue and { } ready) workers["active"] = ready;
        hub["conditions"] = conditions;
        hub["replicaStatuses"] = launcher.Count > 0 ? new JsonObject { ["Launcher"] = launcher, ["Worker"] = workers } : new JsonObject { ["Worker"] = workers };
        return hub;

        // A result without an end counts as none (spec 3.5): of an old failure the nearest time that is known is taken.
        DateTimeOffset? Ended()
        {
            var end = status.Time("completionTime") ?? status.Time("startTime") ?? created ?? DateTimeOffset.UnixEpoch;
            hub["completionTime"] = KubeTime.Format(end);
            return end;
        }

        void Say(string type, string reason, string message, DateTimeOffset? at)
        {
            var condition = new JsonObject { ["type"] = type, ["status"] = "True", ["reason"] = reason, ["message"] = message };
            if (at is { } time)
            {
                condition["lastUpdateTime"] = KubeTime.Format(time);
                condition["lastTransitionTime"] = KubeTime.Format(time);
            }

            conditions.Add((JsonNode)condition);
        }
    }
}
