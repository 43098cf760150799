using System.Collections.Immutable;

namespace Mpi.Model;

/// <summary>What a job's status says that earlier passes found: all the memory that the controller has.</summary>
public sealed record RecordedRun
{
    /// <summary>The job was announced (condition Created).</summary>
    public bool Announced { get; init; }

    /// <summary>The last word on each; null when it was never said.</summary>
    public bool? Running { get; init; }
    public bool? Suspended { get; init; }
    public bool? Restarting { get; init; }

    /// <summary>The launcher and all workers were seen to run since the run began, or was last resumed or restarted.</summary>
    public bool HasRun => Running == true && Restarting != true;

    /// <summary>The final result; null while there is none. Set once.</summary>
    public RunOutcome? Outcome { get; init; }

    public DateTimeOffset? StartTime { get; init; }
    public DateTimeOffset? CompletionTime { get; init; }
    public AttemptRecord? Attempt { get; init; }

    /// <summary>The number of workers that the current attempt was given; null in a status that another controller wrote.</summary>
    public int? WorkerCount { get; init; }

    /// <summary>How the launcher reaches the workers; null in a status that another controller wrote.</summary>
    public TransportChoice? Transport { get; init; }

    /// <inheritdoc cref="MpiRun.FrozenSpec"/>
    public string? FrozenSpec { get; init; }

    /// <inheritdoc cref="RunReport.LeftOut"/>
    public ImmutableArray<string> LeftOut { get; init; } = [];

    public RunCounts Counts { get; init; } = RunCounts.Zero;
    /// <summary>Null in a status that does not tell it.</summary>
    public WorkerPresence? Presence { get; init; }

    public RunTimeline Timeline { get; init; } = RunTimeline.Empty;

    /// <summary>What is wrong now and was said: null when the matter was never raised or is settled.</summary>
    public RunRemark? Invalid { get; init; }
    public RunRemark? Blocked { get; init; }

    /// <inheritdoc cref="RunReport.ReadOtherwise"/>
    public RunRemark? ReadOtherwise { get; init; }
    public RunRemark? GateBypassed { get; init; }

    /// <inheritdoc cref="RunReport.SpecChanged"/>
    public RunRemark? SpecChanged { get; init; }
}

/// <summary>How a run ended.</summary>
public abstract record RunOutcome
{
    private RunOutcome() { }

    public sealed record Succeeded : RunOutcome;

    public sealed record Failed(string Reason, string Message) : RunOutcome;
}

/// <summary>A condition's reason and message.</summary>
public sealed record RunRemark(string Reason, string Message);

/// <summary>
/// One attempt to run the job, recorded before its launcher exists, so that a launcher which vanishes is never mistaken
/// for one that was not yet made (design section 3).
/// </summary>
/// <param name="Number">From 1.</param>
public sealed record AttemptRecord(int Number)
{
    /// <summary>The launcher Job of this attempt, once it was seen.</summary>
    public string? LauncherUid { get; init; }

    /// <summary>
    /// The attempt has been decided and nothing of it made: the launcher that it replaces and the lost workers must be gone
    /// first.
    /// </summary>
    public bool Clearing { get; init; }

    /// <summary>The launcher Job that must be gone, with its pods; null when there was none.</summary>
    public string? Replaces { get; init; }

    /// <summary>Nothing of it is made before this time; null where it need not wait.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Retries that earlier attempts spent of <c>backoffLimit</c>.</summary>
    public int Failures { get; init; }

    /// <summary>Restarts for workers lost to infrastructure, which do not count as failures.</summary>
    public int Losses { get; init; }

    /// <summary>Seconds that earlier attempts spent of <c>activeDeadlineSeconds</c>.</summary>
    public long ActiveSeconds { get; init; }
}

/// <summary>Pods of one role by how they stand.</summary>
public sealed record ReplicaCount(int Active, int Succeeded, int Failed)
{
    public static readonly ReplicaCount None = new(0, 0, 0);
}

/// <param name="Launcher">Null before a launcher Job exists.</param>
/// <param name="Workers">Zero after the launcher has finished.</param>
/// <param name="WorkersReady">Workers whose readiness the kubelet confirms.</param>
public sealed record RunCounts(ReplicaCount? Launcher, ReplicaCount Workers, int WorkersReady)
{
    public static readonly RunCounts Zero = new(null, ReplicaCount.None, 0);
}

/// <summary>Worker pods that are there, and those of them that are ready.</summary>
public sealed record WorkerPresence(int Pods, int Ready)
{
    public static readonly WorkerPresence None = new(0, 0);
}
