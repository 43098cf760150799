using System.Collections.Immutable;

namespace Kube.Nodes.Linux;

/// <summary>Everything about one pod on this node that decisions and its status depend on, beside the time.</summary>
internal sealed record PodObservation(PodSpecView Pod, ImmutableArray<ContainerObservation> Containers)
{
    /// <summary>The pod's address; null without a sandbox.</summary>
    public string? Address { get; init; }

    /// <summary>Whether namespaces and files are there.</summary>
    public bool HasSandbox { get; init; }

    /// <summary>The sandbox was taken down for good after the pod's end.</summary>
    public bool Removed { get; init; }

    /// <summary>Why the sandbox cannot be made, and when to try again.</summary>
    public Hindrance? SandboxHindrance { get; init; }

    public DateTimeOffset? StartedAt { get; init; }
    public string HostAddress { get; init; } = "";

    /// <summary>A phase once it is final: it never changes again, whatever is observed later.</summary>
    public string? FinalPhase { get; init; }

    /// <summary>The pod ran longer than its <c>activeDeadlineSeconds</c>.</summary>
    public bool DeadlineExceeded { get; init; }
}

internal sealed record ContainerObservation(ContainerView View)
{
    public ContainerRunState State { get; init; }

    /// <summary>The current run's start; null while none has begun.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>How the run ended, in state <see cref="ContainerRunState.Ended"/>.</summary>
    public Termination? Termination { get; init; }

    /// <summary>How the run before ended.</summary>
    public Termination? LastTermination { get; init; }

    public int RestartCount { get; init; }

    /// <summary>Which run this is, counting from 0: names folders and log.</summary>
    public string RunId { get; init; } = "";

    public BackOff BackOff { get; init; }

    /// <summary>What keeps the next run from starting (image, configuration), and when to try again.</summary>
    public Hindrance? Hindrance { get; init; }

    /// <summary>When SIGTERM was sent, why, and after how long SIGKILL follows.</summary>
    public Stop? Stopping { get; init; }

    public ProbeState Startup { get; init; }
    public ProbeState Liveness { get; init; }
    public ProbeState Readiness { get; init; }

    public ProbeState Probe(ProbeKind kind) => kind switch { ProbeKind.Startup => Startup, ProbeKind.Liveness => Liveness, _ => Readiness };

    public bool HasStarted => State == ContainerRunState.Running && (View.Startup is null || Startup.Result == true);

    public bool IsReady => HasStarted && (View.Readiness is null || Readiness.Result == true);

    public bool Succeeded => State == ContainerRunState.Ended && Termination?.ExitCode == 0;
}

internal enum ContainerRunState
{
    /// <summary>No run has begun.</summary>
    Waiting,

    /// <summary>The mount view is being built; the command does not run yet.</summary>
    Starting,
    Running,
    Ended,
}

/// <param name="Reason">As the kubelet words it: <c>Completed</c>, <c>Error</c>, <c>StartError</c>.</param>
internal sealed record Termination(int ExitCode, string Reason, string Message, DateTimeOffset StartedAt, DateTimeOffset FinishedAt, string RunId);

/// <param name="Reason">The waiting reason: <c>ErrImagePull</c>, <c>CreateContainerConfigError</c>.</param>
internal sealed record Hindrance(string Reason, string Message, DateTimeOffset RetryAt);

/// <param name="Reason">For the event.</param>
internal sealed record Stop(DateTimeOffset At, TimeSpan Grace, string Reason, bool KillSent);

/// <param name="Successes">In a row.</param>
/// <param name="Failures">In a row.</param>
/// <param name="Result">Null before the first threshold was met.</param>
/// <param name="InFlight">A probe runs.</param>
internal readonly record struct ProbeState(DateTimeOffset? LastAt, int Successes, int Failures, bool? Result, bool InFlight);
