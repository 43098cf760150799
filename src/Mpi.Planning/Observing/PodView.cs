using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>What plans need of a pod, and nothing else: ten thousand of these are kept.</summary>
public sealed record PodView(ChildMeta Meta)
{
    /// <summary>Whether the pod carries the label that ties it to this very job object (<see cref="PlanningNames.JobUid"/>); its value.</summary>
    public string JobUidLabel { get; init; } = "";

    /// <summary>Its place in an Indexed Job; null for any other pod.</summary>
    public int? CompletionIndex { get; init; }

    /// <summary>Empty before it has one.</summary>
    public string Address { get; init; } = "";

    public PodPhase Phase { get; init; }
    public bool Ready { get; init; }

    /// <summary>The pod's own reason and message, such as <c>Evicted</c>; empty when containers say it all.</summary>
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";

    /// <summary>The reason of condition DisruptionTarget when it is True: preempted, evicted by API, taint, node gone; else empty.</summary>
    public string Disruption { get; init; } = "";

    /// <summary>Seconds of grace of the deletion that was asked for.</summary>
    public int DeletionGraceSeconds { get; init; }

    /// <summary>When its deletion was asked for; null while nobody has.</summary>
    public DateTimeOffset? DeletedAt => Meta.DeletionTimestamp - TimeSpan.FromSeconds(DeletionGraceSeconds);

    /// <summary>The newest time anything in the status speaks of: since then the pod stands as it does.</summary>
    public DateTimeOffset? ChangedAt { get; init; }

    /// <summary>How container 0 ended last: now, when the pod is finished, or before its last restart.</summary>
    public ContainerEnd? End { get; init; }

    /// <summary>Whether container 0 ended other than by success.</summary>
    public bool HasFailed => End is { ExitCode: not 0 } or { Signal: not 0 };

    /// <summary>The scheduler has looked for a node and found none.</summary>
    public bool Unschedulable { get; init; }

    /// <summary>When the pod got its node.</summary>
    public DateTimeOffset? ScheduledAt { get; init; }

    /// <summary>Since when container 0 runs; null while it does not.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Whether container 0 has ever started: in a launcher, that the gate has opened.</summary>
    public bool Started { get; init; }

    /// <summary>In-place restarts of container 0.</summary>
    public int Restarts { get; init; }

    /// <summary>The termination message of the gate's init container; null while there is none.</summary>
    public string? GateMessage { get; init; }

    /// <summary>When the gate's init container ended.</summary>
    public DateTimeOffset? GateEndedAt { get; init; }

    /// <summary>Whether it has ended for good.</summary>
    public bool IsOver => Phase is PodPhase.Failed or PodPhase.Succeeded;

    public static PodView Read(JsonElement root)
    {
        var status = root.At("status");
        var containerZero = root.Items("spec", "containers").FirstOrDefault().Text("name") ?? "";
        var container = status.Items("containerStatuses").FirstOrDefault(c => c.Text("name") == containerZero);
        var ended = container.Has("state", "terminated") && !(WasKilledWith(root, container.At("state", "terminated")) && container.Has("lastState", "terminated"))
            ? container.At("state", "terminated")
            : container.At("lastState", "terminated");
        var gate = status.Items("initContainerStatuses").FirstOrDefault(static c => c.Text("name") == PlanningNames.GateContainer);
        var ready = status.Items("conditions").FirstOrDefault(static c => c.Text("type") == "Ready");
        var scheduled = status.Items("conditions").FirstOrDefault(static c => c.Text("type") == "PodScheduled" && c.Text("status") == "True");
        var disruption = status.Items("conditions").FirstOrDefault(static c => c.Text("type") == "DisruptionTarget" && c.Text("status") == "True");
        return new PodView(ChildMeta.Read(root))
        {
            JobUidLabel = root.Text("metadata", "labels", PlanningNames.JobUid) ?? "",
            CompletionIndex = int.TryParse(root.Text("metadata", "annotations", PlanningNames.CompletionIndex), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null,
            Address = status.Text("podIP") ?? "",
            Phase = status.Text("phase") switch
            {
                "Running" => PodPhase.Running,
                "Succeeded" => PodPhase.Succeeded,
                "Failed" => PodPhase.Failed,
                "Unknown" => PodPhase.Unknown,
                _ => PodPhase.Pending,
            },
            Ready = ready.Text("status") == "True",
            Reason = status.Text("reason") ?? "",
            Message = status.Text("message") ?? "",
            Disruption = disruption.Has() ? disruption.Text("reason") ?? "DisruptionTarget" : "",
            DeletionGraceSeconds = (int)Math.Clamp(root.Integer("metadata", "deletionGracePeriodSeconds") ?? 0, 0, int.MaxValue),
            ChangedAt = Newest(
                root.Time("metadata", "creationTimestamp"),
                status.Time("startTime"),
                ready.Time("lastTransitionTime"),
                container.Time("state", "running", "startedAt"),
                container.Time("state", "terminated", "finishedAt")),
            End = ContainerEnd.Read(containerZero, ended),
            Unschedulable = status.Items("conditions").Any(static c => c.Text("type") == "PodScheduled" && c.Text("status") == "False" && c.Text("reason") == "Unschedulable"),
            ScheduledAt = scheduled.Time("lastTransitionTime"),
            StartedAt = container.Time("state", "running", "startedAt"),
            Started = container.Has("state", "running") || ended.Has(),
            Restarts = (int)Math.Clamp(container.Integer("restartCount") ?? 0, 0, int.MaxValue),
            GateMessage = gate.Text("state", "terminated", "message"),
            GateEndedAt = gate.Time("state", "terminated", "finishedAt"),
        };
    }

    /// <summary>Such an end says nothing of why the pod had to go; the one before it may.</summary>
    private static bool WasKilledWith(JsonElement pod, JsonElement terminated) =>
        pod.Time("metadata", "deletionTimestamp") is { } until && terminated.Time("finishedAt") >= until - TimeSpan.FromSeconds(pod.Integer("metadata", "deletionGracePeriodSeconds") ?? 0);

    private static DateTimeOffset? Newest(params ReadOnlySpan<DateTimeOffset?> times)
    {
        DateTimeOffset? newest = null;
        foreach (var time in times)
        {
            if (time > newest || newest is null) newest = time ?? newest;
        }

        return newest;
    }
}

public enum PodPhase { Pending, Running, Succeeded, Failed, Unknown }

/// <param name="Signal">0 when the program exited by itself.</param>
/// <param name="Reason">The kubelet's word, such as <c>OOMKilled</c>, <c>Error</c> or <c>Completed</c>.</param>
/// <param name="Message">The termination message: the last lines of output where the policy is FallbackToLogsOnError.</param>
public sealed record ContainerEnd(string Container, int ExitCode, int Signal, string Reason, string Message, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt)
{
    public static ContainerEnd? Read(string container, JsonElement terminated) => terminated.ValueKind != JsonValueKind.Object
        ? null
        : new ContainerEnd(
            container,
            (int)(terminated.Integer("exitCode") ?? 0),
            (int)(terminated.Integer("signal") ?? 0),
            terminated.Text("reason") ?? "",
            terminated.Text("message") ?? "",
            terminated.Time("startedAt"),
            terminated.Time("finishedAt"));

    /// <summary>Such as <c>container main: exit code 137 (OOMKilled)</c>.</summary>
    public override string ToString()
    {
        var how = Signal != 0 ? $"signal {Signal}" : $"exit code {ExitCode}";
        return Reason is "" or "Error" or "Completed" ? $"container {Container}: {how}" : $"container {Container}: {how} ({Reason})";
    }
}
