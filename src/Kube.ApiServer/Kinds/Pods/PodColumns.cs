using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>What <c>kubectl get pods</c> shows (<c>pkg/printers/internalversion</c>).</summary>
internal static class PodColumns
{
    public static readonly ImmutableArray<TableColumn> All =
    [
        TableColumn.Text("Ready", static p => Ready(p)),
        TableColumn.Text("Status", static p => Status(p)),
        new("Restarts", "string", 0, Restarts),
        TableColumn.Age,
        TableColumn.Wide("IP", static p => OrNone(p.Text("status", "podIP"))),
        TableColumn.Wide("Node", static p => OrNone(p.Text("spec", "nodeName"))),
        TableColumn.Wide("Nominated Node", static p => OrNone(p.Text("status", "nominatedNodeName"))),
        TableColumn.Wide("Readiness Gates", static p => ReadinessGates(p)),
    ];

    /// <summary>One word for what a pod is at: its phase, or what keeps it from going on.</summary>
    public static string Status(JsonObject pod)
    {
        var reason = pod.Text("status", "reason") is { Length: > 0 } given ? given : pod.Text("status", "phase") ?? "Unknown";
        if (pod.Objects("status", "conditions").Any(static c => c.Item.Text("type") == "PodScheduled" && c.Item.Text("reason") == "SchedulingGated")) reason = "SchedulingGated";

        var initializing = Initializing(pod, ref reason);
        if (!initializing || Condition(pod, "Initialized") == "True") Running(pod, ref reason);
        if (pod.Text("metadata", "deletionTimestamp") is null) return reason;
        if (pod.Text("status", "reason") == "NodeLost") return "Unknown";
        return pod.Text("status", "phase") is "Succeeded" or "Failed" ? reason : "Terminating";
    }

    private static bool Initializing(JsonObject pod, ref string reason)
    {
        var total = pod.Objects("spec", "initContainers").Count();
        var sidecars = pod.Objects("spec", "initContainers").Where(static c => c.Item.Text("restartPolicy") == "Always").Select(static c => c.Item.Text("name")).ToHashSet();
        foreach (var (index, status) in pod.Objects("status", "initContainerStatuses"))
        {
            if (status.Integer("state", "terminated", "exitCode") == 0) continue;
            if (sidecars.Contains(status.Text("name")) && status.Flag("started") == true) continue;
            if (status.Members("state", "terminated") is { } ended)
            {
                reason = "Init:" + Ended(ended);
            }
            else if (status.Text("state", "waiting", "reason") is { Length: > 0 } waits && waits != "PodInitializing")
            {
                reason = "Init:" + waits;
            }
            else
            {
                reason = $"Init:{index}/{total}";
            }

            return true;
        }

        return false;
    }

    private static void Running(JsonObject pod, ref string reason)
    {
        var running = false;
        foreach (var (_, status) in pod.Objects("status", "containerStatuses").Reverse())
        {
            if (status.Text("state", "waiting", "reason") is { Length: > 0 } waits) reason = waits;
            else if (status.Members("state", "terminated") is { } ended) reason = Ended(ended);
            else if (status.Flag("ready") == true && status.Members("state", "running") is not null) running = true;
        }

        // One container has ended and another goes on: the pod runs.
        if (reason == "Completed" && running) reason = Condition(pod, "Ready") == "True" ? "Running" : "NotReady";
    }

    private static string Ended(JsonObject terminated)
    {
        if (terminated.Text("reason") is { Length: > 0 } reason) return reason;
        return terminated.Integer("signal") is { } signal and not 0 ? $"Signal:{signal}" : $"ExitCode:{terminated.Integer("exitCode") ?? 0}";
    }

    private static string Ready(JsonObject pod)
    {
        var sidecars = pod.Objects("spec", "initContainers").Where(static c => c.Item.Text("restartPolicy") == "Always").Select(static c => c.Item.Text("name")).ToHashSet();
        var ready = pod.Objects("status", "containerStatuses").Count(static c => c.Item.Flag("ready") == true)
            + pod.Objects("status", "initContainerStatuses").Count(c => sidecars.Contains(c.Item.Text("name")) && c.Item.Flag("ready") == true);
        return $"{ready}/{pod.Objects("spec", "containers").Count() + sidecars.Count}";
    }

    private static JsonNode Restarts(JsonObject pod, DateTimeOffset now)
    {
        var statuses = pod.Objects("status", "containerStatuses").Select(static c => c.Item).ToList();
        var initializing = pod.Objects("status", "initContainerStatuses").Select(static c => c.Item).ToList();
        if (statuses.Sum(Count) == 0 && initializing.Sum(Count) > 0 && Condition(pod, "Initialized") != "True") statuses = initializing;
        var total = statuses.Sum(Count);
        var last = statuses.Select(static c => c.Text("lastState", "terminated", "finishedAt")).Where(static t => t is not null).Max(StringComparer.Ordinal);
        return total > 0 && last is not null ? $"{total} ({Ages.Since(last, now)} ago)" : $"{total}";

        static long Count(JsonObject status) => status.Integer("restartCount") ?? 0;
    }

    private static string ReadinessGates(JsonObject pod)
    {
        var gates = pod.Objects("spec", "readinessGates").Select(static g => g.Item.Text("conditionType") ?? "").ToList();
        return gates.Count == 0 ? "<none>" : $"{gates.Count(g => Condition(pod, g) == "True")}/{gates.Count}";
    }

    private static string? Condition(JsonObject pod, string type) =>
        pod.Objects("status", "conditions").Where(c => c.Item.Text("type") == type).Select(static c => c.Item.Text("status")).FirstOrDefault();

    private static string OrNone(string? text) => string.IsNullOrEmpty(text) ? "<none>" : text;
}
