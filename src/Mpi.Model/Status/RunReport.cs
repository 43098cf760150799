using System.Collections.Immutable;

namespace Mpi.Model;

/// <summary>What is true of a run now: from it a dialect writes the status. Absent facts leave what stands.</summary>
public sealed record RunReport
{
    /// <summary>The one word for the state, for people and printer columns.</summary>
    public required RunState State { get; init; }

    /// <summary>The generation of the spec that this report is about.</summary>
    public long ObservedGeneration { get; init; }

    /// <summary>The job is announced; false only for one that never was valid.</summary>
    public bool Announced { get; init; } = true;

    /// <summary>Null leaves what was said about suspension.</summary>
    public bool? Suspended { get; init; }

    /// <summary>The launcher's command runs and all workers do. False leaves what was said: it stays true until suspension or the end.</summary>
    public bool Running { get; init; }

    /// <summary>Why the gang is being restarted; null leaves what was said, and <see cref="Running"/> settles it.</summary>
    public RunRemark? Restarting { get; init; }

    public RunOutcome? Outcome { get; init; }
    public DateTimeOffset? StartTime { get; init; }
    public DateTimeOffset? CompletionTime { get; init; }
    public RunCounts Counts { get; init; } = RunCounts.Zero;

    /// <summary>Also of a run that is over, for dialects whose status goes on telling it.</summary>
    public WorkerPresence Presence { get; init; } = WorkerPresence.None;

    /// <summary>Null leaves what was said.</summary>
    public RunTimeline? Timeline { get; init; }
    public AttemptRecord? Attempt { get; init; }

    /// <summary>The newest of the launcher's pods; null leaves what was said.</summary>
    public string? LauncherPod { get; init; }

    /// <summary>The launcher Job's own counters, for dialects that repeat them; null leaves what was said.</summary>
    public JobCounters? LauncherJob { get; init; }

    /// <summary>How the gang's group stands; null leaves what was said.</summary>
    public GangState? Gang { get; init; }
    public int? WorkerCount { get; init; }

    /// <inheritdoc cref="MpiRun.FrozenSpec"/>
    public string? FrozenSpec { get; init; }

    /// <summary>Worker pods that could not be scheduled and take no part in the run, whatever becomes of them. Once left out, never again in.</summary>
    public ImmutableArray<string> LeftOut { get; init; } = [];

    /// <summary>Null leaves what was said.</summary>
    public TransportChoice? Transport { get; init; }

    /// <summary>For the scale subresource: selects the workers.</summary>
    public string WorkerSelector { get; init; } = "";

    /// <summary>Null settles a remark that stands.</summary>
    public RunRemark? Invalid { get; init; }

    /// <summary>What keeps objects from being created; null settles it.</summary>
    public RunRemark? Blocked { get; init; }

    /// <summary>What of the manifest is read otherwise than it stands there (<see cref="MpiRun.Warnings"/>); null settles it.</summary>
    public RunRemark? ReadOtherwise { get; init; }

    /// <summary>An edit that the running attempt cannot follow; null settles it.</summary>
    public RunRemark? SpecChanged { get; init; }

    /// <summary>Workers that the gate did not wait for; null leaves what was said.</summary>
    public RunRemark? GateBypassed { get; init; }
}

/// <summary>What a Job says of its pods.</summary>
public sealed record JobCounters(int Active, int Succeeded, int Failed, DateTimeOffset? StartTime, DateTimeOffset? CompletionTime);

/// <summary>What a gang scheduler says of a group; <paramref name="Phase"/> is empty where it has said nothing yet.</summary>
public sealed record GangState(string Phase, int Running, int Succeeded, int Failed);

public enum RunState { Invalid, Blocked, Suspended, Starting, Running, Restarting, Succeeded, Failed }
