using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>
/// What to do for one job, decided from what was observed. A plan names actions and does nothing; where a later action
/// needs an earlier one's answer the plan ends, and the watch event of that answer resumes it. Order of carrying out:
/// <see cref="Actions"/> in order (neighbouring creations may run in parallel), then <see cref="Status"/>, and only after
/// that write has landed <see cref="Events"/> and <see cref="Counters"/>.
/// </summary>
public sealed record Plan
{
    public static readonly Plan Nothing = new();

    public ImmutableArray<PlanAction> Actions { get; init; } = [];

    /// <summary>The job's whole new <c>status</c>; null when it stays as it is.</summary>
    public JsonObject? Status { get; init; }

    /// <summary>True when the status must land before the actions are begun (the announcement of an attempt).</summary>
    public bool StatusFirst { get; init; }

    public ImmutableArray<PlanEvent> Events { get; init; } = [];
    public ImmutableArray<PlanCounter> Counters { get; init; } = [];

    /// <summary>When to look again even if nothing happens.</summary>
    public DateTimeOffset? RevisitAt { get; init; }

    public bool IsEmpty => Actions.IsEmpty && Status is null && Events.IsEmpty && Counters.IsEmpty;
}

/// <summary>One API write. Updates and deletions carry the uid or resourceVersion that they were decided on.</summary>
public abstract record PlanAction
{
    private PlanAction() { }

    public sealed record Create(ResourceKind Kind, JsonObject Manifest) : PlanAction;

    /// <summary>Creates a Secret whose key pair the applier makes; nothing random stands in a plan.</summary>
    public sealed record CreateSshKeys(JsonObject SecretWithoutData) : PlanAction;

    /// <summary>Replaces the data of a drifted key Secret by a new pair.</summary>
    public sealed record ReplaceSshKeys(ObjectKey Key, string ResourceVersion) : PlanAction;

    /// <summary>A merge patch; it carries <c>metadata.resourceVersion</c> as its precondition.</summary>
    public sealed record Patch(ResourceKind Kind, ObjectKey Key, JsonObject MergePatch, string? Subresource = null) : PlanAction;

    /// <param name="Why">For logs and tests.</param>
    /// <param name="Propagation">Null leaves it to the server; Jobs are deleted in the <c>Foreground</c> or <c>Background</c>.</param>
    public sealed record Delete(ResourceKind Kind, ObjectKey Key, string Uid, string Why, string? Propagation = null) : PlanAction;

    /// <summary>One request for all pods of a job that match; used only where every match is owned by the job.</summary>
    public sealed record DeletePods(string Namespace, string LabelSelector, string Why) : PlanAction;
}

/// <summary>A core/v1 Event about the job.</summary>
public sealed record PlanEvent(string Type, string Reason, string Message)
{
    public static PlanEvent Normal(string reason, string message) => new("Normal", reason, message);
    public static PlanEvent Warning(string reason, string message) => new("Warning", reason, message);
}

public enum PlanCounter { JobsCreated, JobsSuccessful, JobsFailed, JobsRestarted }
