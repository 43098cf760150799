using System.Collections.Immutable;

namespace Kube.Nodes.Virtual;

/// <summary>
/// How a pod pretends. The times count from the moment the node takes the pod up, or from the step before. The defaults
/// are a server that is up at once and runs until it is deleted.
/// </summary>
public sealed record PodScript
{
    /// <summary>Pulling and creating, until the first container starts. Null: never, as with an image that cannot be pulled.</summary>
    public TimeSpan? StartDelay { get; init; } = TimeSpan.Zero;

    /// <summary>What the containers wait for when <see cref="StartDelay"/> is null.</summary>
    public string WaitingReason { get; init; } = "ImagePullBackOff";

    /// <summary>How long each init container runs. Each exits with 0.</summary>
    public TimeSpan InitTime { get; init; } = TimeSpan.Zero;

    /// <summary>
    /// Asked each second: while it says no, the last init container, or <see cref="InitWaits"/>, runs on, whatever <see cref="InitTime"/> says. For init
    /// containers that wait for something in the world. Null: nothing is waited for.
    /// </summary>
    public Func<bool>? InitDone { get; init; }

    /// <summary>The name of the init container that waits; null for the last.</summary>
    public string? InitWaits { get; init; }

    /// <summary>The termination message of the init container that waits, asked for when it has ended.</summary>
    public Func<string>? InitMessage { get; init; }

    /// <summary>From a container's start until it is ready.</summary>
    public TimeSpan ReadyDelay { get; init; } = TimeSpan.Zero;

    /// <summary>
    /// What the containers do each time they are started; the last entry repeats. Empty: they run until they are stopped.
    /// </summary>
    public ImmutableArray<ContainerRun> Runs { get; init; } = [];

    /// <summary>
    /// Asked each second while the containers run, with the number of their start, from 0: how that run has ended, or null while it goes on. For
    /// containers whose end depends on something in the world; what <see cref="Runs"/> says still happens, if it comes first.
    /// </summary>
    public Func<int, ContainerRun?>? RunEnded { get; init; }

    /// <summary>From the request to delete the pod until its containers end; no longer than the grace period.</summary>
    public TimeSpan StopTime { get; init; } = TimeSpan.Zero;

    /// <summary>With what the containers answer the request to stop. 143 is a program that leaves SIGTERM alone.</summary>
    public int StopExitCode { get; init; } = 143;

    /// <summary>The node throws the pod out.</summary>
    public PodEviction? Eviction { get; init; }

    /// <summary>Runs once for the given time and ends with the exit code.</summary>
    public static PodScript RunsFor(TimeSpan time, int exitCode = 0, string message = "") => new() { Runs = [new ContainerRun(time, exitCode) { Message = message }] };

    public static PodScript RunsForever { get; } = new();
}

/// <param name="For">How long the container runs; null is without end.</param>
public sealed record ContainerRun(TimeSpan? For, int ExitCode = 0)
{
    /// <summary>The reason in the status; empty leaves it to the exit code: Completed or Error.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The termination message.</summary>
    public string Message { get; init; } = "";

    public int Signal { get; init; }
}

/// <param name="After">From the moment the node takes the pod up.</param>
public sealed record PodEviction(TimeSpan After, string Message)
{
    public string Reason { get; init; } = "Evicted";

    /// <summary>The reason of the condition DisruptionTarget; empty sets none.</summary>
    public string DisruptionReason { get; init; } = "TerminationByKubelet";
}
