using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Nodes.Virtual;

/// <summary>Writes a moment of a pod as the kubelet writes <c>status</c>.</summary>
internal static class PodStatusBuilder
{
    public static JsonObject Build(PodView pod, PodMoment moment, DateTimeOffset takenUp, DateTimeOffset now, string podIp, string hostIp, Func<int, string> initMessage)
    {
        var status = new JsonObject
        {
            ["phase"] = moment.Phase,
            ["hostIP"] = hostIp,
            ["hostIPs"] = new JsonArray(new JsonObject { ["ip"] = hostIp }),
            ["startTime"] = KubeTime.Format(takenUp),
            ["qosClass"] = pod.Status.Text("qosClass") ?? "BestEffort",
            ["conditions"] = Conditions(pod, moment, now),
        };
        if (moment.Container is not ContainerMoment.Waiting { Last: null } || moment.InitSince is not null || moment.InitDone > 0)
        {
            status["podIP"] = podIp;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = podIp });
        }

        if (moment.Eviction is { } eviction)
        {
            status["reason"] = eviction.Reason;
            status["message"] = eviction.Message;
        }

        var init = pod.Spec.Items("initContainers").ToArray();
        if (init.Length > 0) status["initContainerStatuses"] = new JsonArray([.. init.Select((c, i) => InitStatus(pod, c, i, moment, takenUp, initMessage))]);
        status["containerStatuses"] = new JsonArray([.. pod.Spec.Items("containers").Select(c => Status(pod, c, moment.Container, moment.IsReady))]);
        return status;
    }

    private static JsonArray Conditions(PodView pod, PodMoment moment, DateTimeOffset now)
    {
        var initialized = moment.InitDone == pod.Spec.Items("initContainers").Count();
        var notReady = moment switch { { Phase: "Succeeded" } => "PodCompleted", { Phase: "Failed" } => "PodFailed", _ => "ContainersNotReady" };
        var conditions = new JsonArray(
            Condition("PodReadyToStartContainers", moment.Container is not ContainerMoment.Waiting { Last: null } && !moment.IsFinished, ""),
            Condition("Initialized", initialized, initialized ? "" : "ContainersNotInitialized"),
            Condition("Ready", moment.IsReady, moment.IsReady ? "" : notReady),
            Condition("ContainersReady", moment.IsReady, moment.IsReady ? "" : notReady));
        if (moment.Eviction is { DisruptionReason.Length: > 0 } eviction)
        {
            var disruption = Condition("DisruptionTarget", true, eviction.DisruptionReason);
            disruption["message"] = eviction.Message;
            conditions.Add((JsonNode)disruption);
        }

        // Conditions of others stay: the scheduler's, and any that somebody else has put there.
        foreach (var other in pod.Status.Items("conditions"))
        {
            if (!conditions.Any(c => c!["type"]!.GetValue<string>() == other.Text("type"))) conditions.Add(other.ToTree());
        }

        return conditions;

        JsonObject Condition(string type, bool isTrue, string reason)
        {
            var value = isTrue ? "True" : "False";
            var before = pod.Status.Items("conditions").FirstOrDefault(c => c.Text("type") == type);
            var since = before.Text("status") == value && before.Time("lastTransitionTime") is { } earlier ? earlier : now;
            var condition = new JsonObject { ["type"] = type, ["status"] = value, ["lastProbeTime"] = null, ["lastTransitionTime"] = KubeTime.Format(since) };
            if (reason.Length > 0) condition["reason"] = reason;
            return condition;
        }
    }

    private static JsonObject InitStatus(PodView pod, JsonElement container, int index, PodMoment moment, DateTimeOffset takenUp, Func<int, string> message)
    {
        if (index == moment.InitDone && moment.InitSince is { } since) return Status(pod, container, new ContainerMoment.Running(since, 0, null), false);
        if (index >= moment.InitDone) return Status(pod, container, new ContainerMoment.Waiting("PodInitializing", 0, null), false);
        var before = pod.Status.Items("initContainerStatuses").FirstOrDefault(s => s.Text("name") == container.Text("name"));
        var start = before.Time("state", "running", "startedAt") ?? before.Time("state", "terminated", "startedAt") ?? takenUp;
        var end = before.Time("state", "terminated", "finishedAt") ?? moment.InitSince ?? (moment.Container as ContainerMoment.Running)?.Since ?? start;
        return Status(pod, container, new ContainerMoment.Ended(start, end, new ContainerRun(null) { Message = message(index) }, 0), true);
    }

    private static JsonObject Status(PodView pod, JsonElement container, ContainerMoment moment, bool isReady)
    {
        var name = container.Text("name") ?? "";
        var image = container.Text("image") ?? "";
        var last = moment switch { ContainerMoment.Running running => running.Last, ContainerMoment.Waiting waiting => waiting.Last, ContainerMoment.Ended ended => ended.Last, _ => null };
        var status = new JsonObject
        {
            ["name"] = name,
            ["image"] = image,
            ["imageID"] = moment is ContainerMoment.Waiting { Last: null } ? "" : $"virtual://{image}",
            ["restartCount"] = moment.Restarts,
            ["ready"] = isReady,
            ["started"] = moment is ContainerMoment.Running,
            ["state"] = State(pod, name, moment),
            ["lastState"] = last is null ? new JsonObject() : State(pod, name, last),
        };
        if (moment is not ContainerMoment.Waiting { Last: null }) status["containerID"] = Id(pod, name, moment.Restarts);
        return status;
    }

    private static JsonObject State(PodView pod, string name, ContainerMoment moment) => moment switch
    {
        ContainerMoment.Waiting waiting => new JsonObject { ["waiting"] = new JsonObject { ["reason"] = waiting.Reason } },
        ContainerMoment.Running running => new JsonObject { ["running"] = new JsonObject { ["startedAt"] = KubeTime.Format(running.Since) } },
        ContainerMoment.Ended ended => new JsonObject { ["terminated"] = Terminated(pod, name, ended) },
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static JsonObject Terminated(PodView pod, string name, ContainerMoment.Ended ended)
    {
        var tree = new JsonObject
        {
            ["exitCode"] = ended.Run.ExitCode,
            ["reason"] = ended.Run.Reason is { Length: > 0 } reason ? reason : ended.Run.ExitCode == 0 ? "Completed" : "Error",
            ["startedAt"] = KubeTime.Format(ended.Since),
            ["finishedAt"] = KubeTime.Format(ended.At),
            ["containerID"] = Id(pod, name, ended.Restarts),
        };
        if (ended.Run.Message.Length > 0) tree["message"] = ended.Run.Message;
        if (ended.Run.Signal != 0) tree["signal"] = ended.Run.Signal;
        return tree;
    }

    private static string Id(PodView pod, string container, int restarts) => $"virtual://{pod.Meta.Uid}/{container}/{restarts}";
}
