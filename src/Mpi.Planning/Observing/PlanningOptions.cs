using System.Collections.Immutable;

namespace Mpi.Planning;

/// <summary>The operator's settings, as part of what is observed: the same settings and the same world give the same plan.</summary>
public sealed record PlanningOptions
{
    /// <summary>Appended to the hosts' names; empty leaves it to the pods' search list.</summary>
    public string ClusterDomain { get; init; } = "";

    /// <summary>Create the objects exactly as kubeflow/mpi-operator does: no gate, no additions (<c>--compat=strict</c>).</summary>
    public bool Strict { get; init; }

    public GateOptions Gate { get; init; } = new();

    /// <summary>The gang scheduler of jobs that choose none (<c>--gang-scheduling</c>): empty for none, see <see cref="GangBackend.Named"/>.</summary>
    public string GangScheduler { get; init; } = "";

    /// <summary>Runs whose gang scheduler the cluster has not are left to the default one (<c>--missing-gang-scheduler=ignore</c>), instead of waiting for it.</summary>
    public bool FallBackFromMissingGang { get; init; }

    /// <summary>Overrides the launcher's restart policy (<c>--launcher-restart-policy</c>): <c>Never</c> makes each retry a fresh, gated pod. Null leaves the job's.</summary>
    public string? LauncherRestartPolicy { get; init; }

    public LauncherLossPolicy OnLauncherDeleted { get; init; } = LauncherLossPolicy.Fail;

    /// <summary>Gang restarts for workers lost to infrastructure before the job fails; they are not the user's failures.</summary>
    public int InfrastructureRestarts { get; init; } = 3;

    /// <summary>Delete the workers of finished jobs even under cleanPodPolicy None.</summary>
    public bool ReleaseFinishedWorkers { get; init; }
}

public sealed record GateOptions
{
    /// <summary>The image that holds the agent and delivers it into the launcher's pod.</summary>
    public string AgentImage { get; init; } = "kubempi-agent:0.1.0";

    /// <summary>Null leaves it to the cluster.</summary>
    public string? PullPolicy { get; init; }

    /// <summary>How long workers may stay silent, counted from when all of them run.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    public bool Enabled { get; init; } = true;
}

public enum LauncherLossPolicy
{
    /// <summary>A launcher Job that vanished without a recorded result fails the run: nobody can tell whether its work was done.</summary>
    Fail,

    /// <summary>It becomes the next attempt, and counts as a failure.</summary>
    Retry,
}
