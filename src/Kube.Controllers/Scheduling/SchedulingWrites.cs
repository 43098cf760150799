using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>What the scheduler tells the API server: bindings, conditions, nominations, evictions and events.</summary>
internal sealed class SchedulingWrites(ClusterCaches caches, IKubeClient client, TimeProvider time, Random random)
{
    // Events come from the scheduler that the pod has asked for. A handful of names.
    private readonly Dictionary<string, EventRecorder> _recorders = new(StringComparer.Ordinal);

    /// <summary>False when the server refused: the pod is gone or bound already.</summary>
    public async Task<bool> BindAsync(PodView pod, string node, CancellationToken cancellation)
    {
        try
        {
            await client.CreateAsync(BindingOf(pod), KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Binding",
                ["metadata"] = new JsonObject { ["name"] = pod.Meta.Name, ["namespace"] = pod.Meta.Namespace, ["uid"] = pod.Meta.Uid },
                ["target"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = node },
            }), cancellation);
        }
        catch (ApiException e) when (e.IsNotFound || e.Status.Code == 409)
        {
            return false;
        }

        await Events(pod).RecordAsync(pod.Object, "Normal", "Scheduled", $"Successfully assigned {pod.Meta.Key} to {node}", cancellation);
        return true;
    }

    // The API takes a binding at the pod's subresource of that name.
    private static ResourceKind BindingOf(PodView pod) => new("", "v1", "Binding", $"pods/{pod.Meta.Name}/binding");

    /// <summary>Says why a pod waits: the condition PodScheduled, and an event when that is news.</summary>
    public async Task TellAsync(PodView pod, string reason, string message, CancellationToken cancellation)
    {
        var told = Conditions.Find(pod.Status, "PodScheduled");
        if (told is { Status: "False" } && told.Reason == reason && told.Message == message) return;
        var since = told is { Status: "False", LastTransitionTime: { } earlier } ? earlier : time.GetUtcNow();
        var isWritten = await PatchStatusAsync(pod, new JsonObject { ["conditions"] = new JsonArray(Condition("PodScheduled", "False", reason, message, since)) }, cancellation);
        if (isWritten && reason == "Unschedulable") await Events(pod).RecordAsync(pod.Object, "Warning", "FailedScheduling", message, cancellation);
    }

    /// <summary>The node that is being cleared for the pod; empty when it is not any more.</summary>
    public Task NominateAsync(PodView pod, string node, CancellationToken cancellation) =>
        PatchStatusAsync(pod, new JsonObject { ["nominatedNodeName"] = node.Length > 0 ? node : null }, cancellation);

    public async Task EvictAsync(PodView victim, PodView preemptor, string node, CancellationToken cancellation)
    {
        var message = $"{SchedulerOf(preemptor)}: preempting to accommodate a higher priority pod";
        await PatchStatusAsync(victim, new JsonObject { ["conditions"] = new JsonArray(Condition("DisruptionTarget", "True", "PreemptionByScheduler", message, time.GetUtcNow())) }, cancellation);
        if (!await Deletion.IfThereAsync(client, Kinds.Pod, victim.Meta, cancellation)) return;
        await Events(preemptor).RecordAsync(victim.Object, "Normal", "Preempted", $"Preempted by pod {preemptor.Meta.Uid} on node {node}", cancellation);
    }

    public static string SchedulerOf(PodView pod) => pod.Spec.Text("schedulerName") ?? ControllerOptions.DefaultScheduler;

    private EventRecorder Events(PodView pod)
    {
        var scheduler = SchedulerOf(pod);
        if (!_recorders.TryGetValue(scheduler, out var recorder)) _recorders[scheduler] = recorder = new EventRecorder(caches, client, time, random, scheduler);
        return recorder;
    }

    private async Task<bool> PatchStatusAsync(PodView pod, JsonObject status, CancellationToken cancellation)
    {
        try
        {
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Meta.Uid }, ["status"] = status };
            await client.PatchAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Strategic(patch), "status", cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            return false;
        }
    }

    private static JsonObject Condition(string type, string status, string reason, string message, DateTimeOffset since) => new()
    {
        ["type"] = type,
        ["status"] = status,
        ["reason"] = reason,
        ["message"] = message,
        ["lastProbeTime"] = null,
        ["lastTransitionTime"] = KubeTime.Format(since),
    };
}
