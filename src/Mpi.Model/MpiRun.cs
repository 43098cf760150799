using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Model;

/// <summary>
/// One MPI job as every dialect means it: what a parser makes of a manifest and what the planner plans for. Defaults are
/// filled in; nothing here is null that a dialect always decides. Immutable.
/// </summary>
public sealed record MpiRun
{
    /// <summary>The dialect's name, such as <c>kubeflow.org/v2beta1</c>.</summary>
    public required string Dialect { get; init; }

    public required ObjectMeta Meta { get; init; }
    public required WorkerGroup Workers { get; init; }
    public required Launcher Launcher { get; init; }
    public required MpiImplementation Mpi { get; init; }

    /// <summary>How the launcher reaches the workers, and why that was chosen (shown to the user).</summary>
    public required TransportChoice Transport { get; init; }

    /// <summary>The workers' container in which ranks run under transport exec; null is the first one.</summary>
    public string? MainContainer { get; init; }

    /// <summary>Where the ssh keys are mounted in both roles; ssh transport only.</summary>
    public string SshAuthMountPath { get; init; } = "/root/.ssh";

    /// <summary>Whether the launcher waits for proven workers before its command starts (design section 4).</summary>
    public bool Gated { get; init; } = true;

    public required RetryPolicy Retry { get; init; }
    public required CleanPodPolicy Cleanup { get; init; }
    public bool Suspended { get; init; }

    /// <summary>Seconds after the end at which the launcher Job goes (<c>ttlSecondsAfterFinished</c>).</summary>
    public int? TtlSecondsAfterFinished { get; init; }

    /// <summary>Seconds after the end at which the job itself goes, and everything with it; null keeps it.</summary>
    public int? JobTtlSecondsAfterFinished { get; init; }

    public GangPolicy? Gang { get; init; }

    /// <summary>
    /// Digest of the spec, where the dialect follows no edit of it once the run is announced; null where edits are followed.
    /// </summary>
    public string? FrozenSpec { get; init; }

    /// <summary>What of the manifest is read otherwise than it stands there; said once.</summary>
    public ImmutableArray<ManifestWarning> Warnings { get; init; } = [];

    /// <summary>The job's own choice of a gang scheduler: a name as in <c>--gang-scheduling</c>, or <c>none</c>; null leaves it to the operator.</summary>
    public string? GangScheduler { get; init; }
}

/// <param name="Count">Worker pods wanted, 0 or more.</param>
/// <param name="Slots">Ranks a worker, 0 or more (<c>slotsPerWorker</c>).</param>
/// <param name="Template">The PodTemplateSpec as written, unknown fields included; undefined when there are no workers.</param>
/// <param name="RestartPolicy"><c>Never</c> or <c>OnFailure</c>.</param>
public sealed record WorkerGroup(int Count, int Slots, JsonElement Template, string RestartPolicy)
{
    public WorkerForm Form { get; init; }

    /// <summary>
    /// Workers that cannot be scheduled are left out of the run when all the others have been running for so long, and at least one is; null waits for all.
    /// </summary>
    public TimeSpan? LeaveOutAfter { get; init; }
}

/// <summary>What a run's workers are to the API server.</summary>
public enum WorkerForm
{
    /// <summary>Pods that the operator makes one by one.</summary>
    Pods,

    /// <summary>The pods of one StatefulSet (<see cref="RunProfile.WorkerSet"/>), which replaces them by itself.</summary>
    StatefulSet,

    /// <summary>The other indexes of the launcher's Job, whose first is the launcher: all pods are alike.</summary>
    JobIndexes,
}

/// <param name="Template">The PodTemplateSpec as written.</param>
/// <param name="RestartPolicy"><c>Never</c> or <c>OnFailure</c>.</param>
/// <param name="RunsRanks">Whether the launcher is a host of ranks too (<c>runLauncherAsWorker</c>).</param>
/// <param name="Creation">When the launcher Job is made.</param>
public sealed record Launcher(JsonElement Template, string RestartPolicy, bool RunsRanks, LauncherCreation Creation)
{
    /// <summary>What the user wants on the launcher's Job itself; ours are over them.</summary>
    public ImmutableSortedDictionary<string, string> JobLabels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

public enum LauncherCreation
{
    AtStartup,
    WaitForWorkersReady,

    /// <summary>Ready or not: their template is the launcher's too, and a probe in it speaks of the program and not of the worker.</summary>
    WaitForWorkersRunning,
}

public enum MpiImplementation { OpenMpi, Intel, Mpich }

/// <param name="Reason">For people: who or what chose it.</param>
public sealed record TransportChoice(Transport Kind, string Reason);

public enum Transport { Ssh, Agent, Exec }

public enum CleanPodPolicy { None, Running, All }

/// <param name="BackoffLimit">Retries of the launcher for application failures; null leaves the Job API's default of 6.</param>
/// <param name="ActiveDeadlineSeconds">Limit of the run's duration in seconds; null means none.</param>
/// <param name="OnWorkerLoss">What the loss of a worker does to the others.</param>
public sealed record RetryPolicy(int? BackoffLimit, long? ActiveDeadlineSeconds, WorkerLossPolicy OnWorkerLoss = WorkerLossPolicy.RestartGang);

public enum WorkerLossPolicy
{
    /// <summary>The launcher is stopped and starts anew with all workers: an MPI program does not survive the loss of a rank.</summary>
    RestartGang,

    /// <summary>The worker is replaced and the launcher goes on: elastic programs that discover their hosts.</summary>
    ReplaceWorker,
}

/// <param name="Path">The field's.</param>
/// <param name="Message">What stands behind the path in a sentence.</param>
/// <param name="Reason">The event's.</param>
public sealed record ManifestWarning(string Path, string Message, string Reason = "ManifestWarning");

/// <summary>The gang settings of a job; absent values are computed by the planner (spec/kubeflow-mpijob.md 2.8).</summary>
public sealed record GangPolicy(int? MinAvailable, string? Queue, JsonElement MinResources, string? PriorityClass, int? ScheduleTimeoutSeconds);

/// <summary>What a parser makes of a manifest: a run, or every fault that it found.</summary>
public abstract record ParseResult
{
    private ParseResult() { }

    public sealed record Run(MpiRun Value) : ParseResult;

    public sealed record Rejected(ImmutableArray<FieldError> Errors) : ParseResult;

    /// <summary>Another controller's job (<c>managedBy</c>): nothing is written, not even status.</summary>
    public sealed record ManagedElsewhere(string By) : ParseResult;
}
