using System.Text.Json;
using Kube.Types;
using Mpi.Planning;

namespace Mpi.Cli;

/// <summary>What is wrong with a pod.</summary>
/// <param name="What">Without the pod's name, so that what many say is told once.</param>
public sealed record PodSign(string What, string? Remedy = null);

/// <summary>Reads from a pod's status why it does not run, or how it ended. Pure.</summary>
public static class PodSigns
{
    /// <summary>Exit codes above it are the number of a signal.</summary>
    private const int Signals = 128;

    public static IEnumerable<PodSign> Of(KubeObject pod)
    {
        var status = pod.Root.At("status");
        if (Conditions.Find(status, "PodScheduled") is { Status: "False" } unplaced) yield return new PodSign($"has no node: {unplaced.Message}", "lower what it requests, add nodes, or loosen selectors and tolerations");
        if (status.Text("reason") is { Length: > 0 } why && status.Text("phase") == "Failed") yield return new PodSign($"{why}: {status.Text("message")}");
        if (pod.Meta.DeletionTimestamp is not null && status.Text("phase") == "Running") yield return new PodSign("is being deleted");
        foreach (var container in status.Items("initContainerStatuses").Concat(status.Items("containerStatuses")))
        {
            if (Of(container) is { } sign) yield return sign;
        }
    }

    private static PodSign? Of(JsonElement container)
    {
        var name = container.Text("name");
        if (container.At("state", "waiting") is { ValueKind: JsonValueKind.Object } waiting)
        {
            var end = container.At("lastState", "terminated") is { ValueKind: JsonValueKind.Object } last ? $"; {End(last)}" : "";
            return waiting.Text("reason") is { } reason and not ("ContainerCreating" or "PodInitializing") ? new PodSign($"container {name} waits: {reason}: {waiting.Text("message")}{end}") : null;
        }

        if (container.At("state", "terminated") is { ValueKind: JsonValueKind.Object } ended && ended.Integer("exitCode") is > 0) return new PodSign($"container {name} {End(ended)}", RemedyFor(ended));
        if (name == PlanningNames.GateContainer && container.Has("state", "running")) return new PodSign("proves that every worker can be reached, which costs no retry");
        return container.At("lastState", "terminated") is { ValueKind: JsonValueKind.Object } before && before.Integer("exitCode") is > 0
            ? new PodSign($"container {name} runs again, after it {End(before)}", RemedyFor(before))
            : null;
    }

    private static string End(JsonElement terminated)
    {
        var code = terminated.Integer("exitCode") ?? 0;
        var how = code > Signals ? $"was ended by signal {code - Signals}" : $"ended with exit code {code}";
        var reason = terminated.Text("reason") is { } said and not "Error" ? $" ({said})" : "";
        return $"{how}{reason}{(terminated.Text("message") is { Length: > 0 } message ? $": {message.Trim()}" : "")}";
    }

    private static string? RemedyFor(JsonElement terminated) => terminated.Text("reason") == "OOMKilled" ? "raise the container's memory limit, or use less memory" : null;
}
