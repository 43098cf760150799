using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>The status of a pod, as the kubelet writes it. Pure: the same observation at the same state gives the same status.</summary>
internal static class PodStatus
{
    /// <summary>The whole status; conditions of other writers (the scheduler's, readiness gates) are kept.</summary>
    /// <param name="present">The status that the pod has.</param>
    public static JsonObject Of(PodObservation pod, JsonObject? present, DateTimeOffset now)
    {
        var phase = PodPhase.Reported(pod);
        var status = new JsonObject { ["phase"] = phase };
        if (pod.Pod.Object.Meta.Generation > 0 && present?["observedGeneration"] is not null) status["observedGeneration"] = pod.Pod.Object.Meta.Generation;
        status["conditions"] = ConditionsOf(pod, phase, present, now);
        if (pod.DeadlineExceeded && phase == "Failed")
        {
            status["reason"] = "DeadlineExceeded";
            status["message"] = "Pod was active on the node longer than the specified deadline";
        }

        if (pod.HostAddress.Length > 0)
        {
            status["hostIP"] = pod.HostAddress;
            status["hostIPs"] = new JsonArray(new JsonObject { ["ip"] = pod.HostAddress });
        }

        if (pod.Address is { } address)
        {
            status["podIP"] = address;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address });
        }

        if (pod.StartedAt is { } started) status["startTime"] = KubeTime.Format(started);
        if (pod.Containers.Any(static c => c.View.IsInit)) status["initContainerStatuses"] = Statuses(pod, phase, init: true);
        status["containerStatuses"] = Statuses(pod, phase, init: false);
        status["qosClass"] = present?["qosClass"]?.DeepClone() ?? QosClass(pod.Pod);
        return status;
    }

    private static JsonArray Statuses(PodObservation pod, string phase, bool init) =>
        [.. pod.Containers.Where(c => c.View.IsInit == init).Select(JsonNode (c) => ContainerStatus(pod, c, phase))];

    private static JsonObject ContainerStatus(PodObservation pod, ContainerObservation container, string phase)
    {
        // A plain init container is "ready" once it has done its work; one that runs beside the others is as they are.
        var ready = container.View is { IsInit: true, IsSidecar: false } ? container.Succeeded : container.IsReady;
        var status = new JsonObject
        {
            ["name"] = container.View.Name,
            ["state"] = State(pod, container, phase),
            ["lastState"] = (WaitsForRestart(pod, container, phase) ? container.Termination : container.LastTermination) is { } last ? new JsonObject { ["terminated"] = Terminated(last) } : new JsonObject(),
            ["ready"] = ready,
            ["restartCount"] = container.RestartCount,
            ["image"] = container.View.Image,
            ["imageID"] = container.RunId.Length > 0 ? container.View.Image : "",
            ["started"] = container.HasStarted,
        };
        if (container.RunId.Length > 0) status["containerID"] = ContainerId(container.RunId);
        return status;
    }

    private static JsonObject State(PodObservation pod, ContainerObservation container, string phase)
    {
        switch (container.State)
        {
            case ContainerRunState.Running:
                return new JsonObject { ["running"] = new JsonObject { ["startedAt"] = KubeTime.Format(container.StartedAt!.Value) } };
            case ContainerRunState.Ended:
                // While a restart waits, the container is "waiting" and its end is in lastState; when none comes, the end is its state.
                if (WaitsForRestart(pod, container, phase))
                {
                    return container.Hindrance is { } hindrance ? Waiting(hindrance.Reason, hindrance.Message) : Waiting("CrashLoopBackOff", BackOffMessage(pod, container));
                }

                return new JsonObject { ["terminated"] = Terminated(container.Termination!) };
            default:
                return Waiting(WaitingReason(pod, container), container.Hindrance?.Message ?? "");
        }
    }

    /// <summary>Whether a container that has ended is shown as waiting for its next run, with its end in <c>lastState</c>.</summary>
    public static bool WaitsForRestart(PodObservation pod, ContainerObservation container, string phase) =>
        container.State == ContainerRunState.Ended && (phase is "Running" or "Pending")
        && PodPhase.Restarts(container, pod.Pod.RestartPolicy) && pod.Pod.Meta.DeletionTimestamp is null && container.BackOff.Delay > TimeSpan.Zero;

    /// <summary>Why a container that has no run is still without one.</summary>
    public static string WaitingReason(PodObservation pod, ContainerObservation container) =>
        container.Hindrance?.Reason
        ?? (!container.View.IsInit && !pod.Containers.All(static c => !c.View.IsInit || c.Succeeded || c.View.IsSidecar) ? "PodInitializing" : "ContainerCreating");

    public static string BackOffMessage(PodObservation pod, ContainerObservation container)
    {
        var delay = container.BackOff.Delay;
        // Go prints 10 s as "10s", 80 s as "1m20s", 5 min as "5m0s".
        var text = delay < TimeSpan.FromMinutes(1) ? string.Create(CultureInfo.InvariantCulture, $"{delay.TotalSeconds:0}s") : string.Create(CultureInfo.InvariantCulture, $"{(int)delay.TotalMinutes}m{delay.Seconds}s");
        return $"back-off {text} restarting failed container={container.View.Name} pod={pod.Pod.Meta.Name}_{pod.Pod.Meta.Namespace}({pod.Pod.Meta.Uid})";
    }

    private static JsonObject Waiting(string reason, string message)
    {
        var waiting = new JsonObject { ["reason"] = reason };
        if (message.Length > 0) waiting["message"] = message;
        return new JsonObject { ["waiting"] = waiting };
    }

    private static JsonObject Terminated(Termination end)
    {
        var terminated = new JsonObject { ["exitCode"] = end.ExitCode, ["reason"] = end.Reason };
        if (end.Message.Length > 0) terminated["message"] = end.Message;
        terminated["startedAt"] = KubeTime.Format(end.StartedAt);
        terminated["finishedAt"] = KubeTime.Format(end.FinishedAt);
        terminated["containerID"] = ContainerId(end.RunId);
        return terminated;
    }

    private static string ContainerId(string runId) => $"sandbox://{runId}";

    private static JsonArray ConditionsOf(PodObservation pod, string phase, JsonObject? present, DateTimeOffset now)
    {
        var conditions = present?["conditions"]?.DeepClone() as JsonArray ?? [];
        Set("PodReadyToStartContainers", pod.HasSandbox && !pod.Removed, "", "");

        var incomplete = pod.Containers.Where(static c => c.View.IsInit && !(c.View.IsSidecar ? c.HasStarted || c.LastTermination is not null || c.State == ContainerRunState.Ended : c.Succeeded)).Select(static c => c.View.Name).ToList();
        if (phase == "Succeeded") Set("Initialized", true, "PodCompleted", "");
        else if (incomplete.Count == 0) Set("Initialized", true, "", "");
        else Set("Initialized", false, "ContainersNotInitialized", $"containers with incomplete status: [{string.Join(' ', incomplete)}]");

        var unready = pod.Containers.Where(static c => (!c.View.IsInit || c.View.IsSidecar) && !c.IsReady).Select(static c => c.View.Name).ToList();
        var (ready, reason, message) = (phase, unready.Count) switch
        {
            ("Succeeded", _) => (false, "PodCompleted", ""),
            ("Failed", _) => (false, "PodFailed", ""),
            (_, 0) => (true, "", ""),
            _ => (false, "ContainersNotReady", $"containers with unready status: [{string.Join(' ', unready)}]"),
        };
        Set("ContainersReady", ready, reason, message);
        var gates = pod.Pod.Spec.Items("readinessGates").Select(static g => g.Text("conditionType") ?? "").Where(gate => !conditions.OfType<JsonObject>().Any(c => (string?)c["type"] == gate && (string?)c["status"] == "True")).ToList();
        if (ready && gates.Count > 0) Set("Ready", false, "ReadinessGatesNotReady", $"the status of pod readiness gate \"{gates[0]}\" is not \"True\", but False");
        else Set("Ready", ready, reason, message);
        Set("PodScheduled", true, "", "");
        return conditions;

        void Set(string type, bool value, string why, string what)
        {
            var text = value ? "True" : "False";
            var found = conditions.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == type);
            if (found is not null && (string?)found["status"] == text && ((string?)found["reason"] ?? "") == why && ((string?)found["message"] ?? "") == what) return;
            var condition = new JsonObject { ["type"] = type, ["status"] = text, ["lastProbeTime"] = null };
            condition["lastTransitionTime"] = found is not null && (string?)found["status"] == text ? found["lastTransitionTime"]?.DeepClone() : KubeTime.Format(now);
            if (why.Length > 0) condition["reason"] = why;
            if (what.Length > 0) condition["message"] = what;
            if (found is null) conditions.Add((JsonNode)condition);
            else conditions[conditions.IndexOf(found)] = condition;
        }
    }

    /// <summary>Set by the API server on creation as a rule; computed here when it was not (<c>GetPodQOS</c>).</summary>
    private static string QosClass(PodSpecView pod)
    {
        var any = false;
        var guaranteed = true;
        foreach (var container in pod.Containers)
        {
            var limits = container.Spec.At("resources", "limits");
            var requests = container.Spec.At("resources", "requests");
            foreach (var name in (ReadOnlySpan<string>)["cpu", "memory"])
            {
                var limit = Quantity.Read(limits.At(name));
                var request = Quantity.Read(requests.At(name)) ?? limit;
                any |= limit is not null || request is not null;
                guaranteed &= limit is { } l && request is { } r && l == r;
            }
        }

        return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
    }
}
