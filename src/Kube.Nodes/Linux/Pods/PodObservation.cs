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

    /// <summary>The container's end, once it was decided.</summary>
    public Stop? Stopping { get; init; }

    public ProbeState Startup { get; init; }
    public ProbeState Liveness { get; init; }
    public ProbeState Readiness { get; init; }

    /// <summary>Whether there is, or may at any moment be, a process.</summary>
    public bool IsAlive => State is ContainerRunState.Starting or ContainerRunState.Running;

    public ContainerObservation WithProbe(ProbeKind kind, ProbeState state) => kind switch
    {
        ProbeKind.Startup => this with { Startup = state },
        ProbeKind.Liveness => this with { Liveness = state },
        _ => this with { Readiness = state },
    };

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

/// <summary>How far a container's end has come: preStop hook, its turn among the others, SIGTERM, SIGKILL.</summary>
/// <param name="At">When it was decided: hook and turn count into the grace.</param>
/// <param name="HookRuns">The preStop hook is under way.</param>
/// <param name="KillAt">When SIGKILL follows; null before SIGTERM was sent.</param>
internal sealed record Stop(DateTimeOffset At, TimeSpan Grace, bool HookRuns, DateTimeOffset? KillAt, bool KillSent);

/// <param name="Successes">In a row.</param>
/// <param name="Failures">In a row.</param>
/// <param name="Result">Null before the first threshold was met.</param>
/// <param name="InFlight">A probe runs.</param>
internal readonly record struct ProbeState(DateTimeOffset? LastAt, int Successes, int Failures, bool? Result, bool InFlight);
