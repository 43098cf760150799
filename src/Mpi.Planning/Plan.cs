using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>
/// What to do for one job, decided from what was observed. A plan names actions and does nothing; where a later action
/// needs an earlier one's answer the plan ends, and the watch event of that answer resumes it. Order of carrying out:
/// <see cref="Actions"/> in order (neighbouring creations may run in parallel), then <see cref="Status"/>, and only after
/// that write has landed <see cref="Events"/> and <see cref="Counters"/>. Whatever fails ends the plan: looking again and
/// deciding anew continues it. Planning again before the stores show what a plan wrote is safe and wasteful: it asks for the
/// same creations and deletions once more, so the controller waits for them, a few seconds at most.
/// </summary>
public sealed record Plan
{
    public static readonly Plan Nothing = new();

    public ImmutableArray<PlanAction> Actions { get; init; } = [];

    /// <summary>The job's whole new <c>status</c>; null when it stays as it is.</summary>
    public JsonObject? Status { get; init; }

    /// <summary>
    /// True when the status (and with it events and counters) must land before the actions are begun: the announcement of an
    /// attempt, a result that the actions clean up after.
    /// </summary>
    public bool StatusFirst { get; init; }

    public ImmutableArray<PlanEvent> Events { get; init; } = [];
    public ImmutableArray<PlanCounter> Counters { get; init; } = [];

    /// <summary>
    /// Objects whose absence or state would decide something that cannot be taken back (a vanished launcher, a lost worker). A store
    /// may be stale, so read these from the server and plan again with what it said
    /// (<see cref="ObservedRun.ConfirmedAbsent"/>, or the object itself). Nothing else is in such a plan.
    /// </summary>
    public ImmutableArray<ObjectToConfirm> Confirm { get; init; } = [];

    /// <summary>When to look again even if nothing happens.</summary>
    public DateTimeOffset? RevisitAt { get; init; }

    public bool IsEmpty => Actions.IsEmpty && Status is null && Events.IsEmpty && Counters.IsEmpty && Confirm.IsEmpty;
}

/// <summary>One API write. Updates and deletions carry the uid or resourceVersion that they were decided on.</summary>
public abstract record PlanAction
{
    private PlanAction() { }

    public sealed record Create(ResourceKind Kind, JsonObject Manifest) : PlanAction
    {
        /// <summary>Must have landed before the next action begins.</summary>
        public bool Alone { get; init; }
    }

    /// <summary>Creates a Secret whose keys the applier makes; nothing random stands in a plan.</summary>
    public sealed record CreateKeys(KeyKind Keys, JsonObject SecretWithoutData) : PlanAction;

    /// <summary>Replaces the data of a drifted key Secret by new keys.</summary>
    public sealed record ReplaceKeys(KeyKind Keys, ObjectKey Key, string ResourceVersion) : PlanAction;

    /// <summary>A merge patch; it carries <c>metadata.resourceVersion</c> as its precondition.</summary>
    public sealed record Patch(ResourceKind Kind, ObjectKey Key, JsonObject MergePatch, string? Subresource = null) : PlanAction;

    /// <param name="Why">For logs and tests.</param>
    /// <param name="Propagation">Null leaves it to the server; Jobs are deleted in the <c>Foreground</c> or <c>Background</c>.</param>
    public sealed record Delete(ResourceKind Kind, ObjectKey Key, string Uid, string Why, string? Propagation = null) : PlanAction;

    /// <summary>
    /// One request for all pods of a job that match. Only planned with a label selector that holds the job's uid, so that
    /// nothing unowned can match.
    /// </summary>
    /// <param name="FieldSelector">Narrows the match further, such as <c>status.phase!=Failed</c>; empty for none.</param>
    public sealed record DeletePods(string Namespace, string LabelSelector, string FieldSelector, string Why) : PlanAction;
}

/// <summary>What a job's Secret holds.</summary>
public enum KeyKind
{
    /// <summary>The key pair of ssh.</summary>
    Ssh,

    /// <summary>The two certificates of the agent's connections, and their keys.</summary>
    Agent,
}

public sealed record ObjectToConfirm(ResourceKind Kind, ObjectKey Key);

/// <summary>A core/v1 Event about the job.</summary>
public sealed record PlanEvent(string Type, string Reason, string Message)
{
    public static PlanEvent Normal(string reason, string message) => new("Normal", reason, message);
    public static PlanEvent Warning(string reason, string message) => new("Warning", reason, message);
}

public enum PlanCounter { JobsCreated, JobsSuccessful, JobsFailed, JobsRestarted }
