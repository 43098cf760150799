using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>A Job's wishes, with the API's defaults filled in where a server has not done so.</summary>
public sealed class JobView
{
    public JobView(KubeObject job)
    {
        Object = job;
        var spec = job.Root.At("spec");
        Parallelism = (int)(spec.Integer("parallelism") ?? 1);
        // Neither given means one of each; parallelism alone makes a work queue, whose pods decide when the work is done.
        Completions = (int?)spec.Integer("completions") ?? (spec.Has("parallelism") ? null : 1);
        IsIndexed = spec.Text("completionMode") == "Indexed";
        BackoffLimit = spec.Integer("backoffLimit") ?? 6;
        ActiveDeadline = Seconds(spec.Integer("activeDeadlineSeconds"));
        TimeToLive = Seconds(spec.Integer("ttlSecondsAfterFinished"));
        IsSuspended = spec.Flag("suspend") ?? false;
        ReplacesOnlyFailedPods = spec.Text("podReplacementPolicy") == "Failed";
        BackoffLimitPerIndex = (int?)spec.Integer("backoffLimitPerIndex");
        MaxFailedIndexes = (int?)spec.Integer("maxFailedIndexes");
        FailurePolicy = spec.Has("podFailurePolicy") ? PodFailurePolicy.Read(spec.At("podFailurePolicy")) : PodFailurePolicy.None;
        SuccessPolicy = spec.Has("successPolicy") ? SuccessPolicy.Read(spec.At("successPolicy")) : SuccessPolicy.None;
        Selector = LabelSelector.Read(spec.At("selector"), "spec.selector", []);
        Template = spec.At("template");
        Status = JobStatus.Read(job.Root.At("status"));
    }

    public KubeObject Object { get; }
    public ObjectMeta Meta => Object.Meta;
    public int Parallelism { get; }

    /// <summary>Null for a work queue: done when a pod has succeeded and none is left.</summary>
    public int? Completions { get; }

    public bool IsIndexed { get; }
    public long BackoffLimit { get; }
    public TimeSpan? ActiveDeadline { get; }
    public TimeSpan? TimeToLive { get; }
    public bool IsSuspended { get; }

    /// <summary>podReplacementPolicy Failed: a pod is replaced when it has ended, not when its deletion begins.</summary>
    public bool ReplacesOnlyFailedPods { get; }

    /// <summary>Failures that an index may have before it fails for good; null: the limit is the Job's as a whole.</summary>
    public int? BackoffLimitPerIndex { get; }

    public int? MaxFailedIndexes { get; }
    public PodFailurePolicy FailurePolicy { get; }
    public SuccessPolicy SuccessPolicy { get; }
    public LabelSelector Selector { get; }
    public JsonElement Template { get; }
    public string PodRestartPolicy => Template.Text("spec", "restartPolicy") ?? "Never";
    public JobStatus Status { get; }

    /// <summary>Another controller has taken this Job over (<c>spec.managedBy</c>, as Kueue's MultiKueue does).</summary>
    public bool IsManagedElsewhere => Object.Root.Text("spec", "managedBy") is { } manager && manager != "kubernetes.io/job-controller";

    private static TimeSpan? Seconds(long? seconds) => seconds is { } s ? TimeSpan.FromSeconds(s) : null;
}

/// <summary>A Job's status. Immutable; <see cref="ToTree"/> keeps the fields it does not know.</summary>
public sealed record JobStatus
{
    private JsonElement _read;

    public int Active { get; init; }
    public int? Ready { get; init; }
    public int? Terminating { get; init; }
    public int Succeeded { get; init; }
    public int Failed { get; init; }
    public DateTimeOffset? StartTime { get; init; }
    public DateTimeOffset? CompletionTime { get; init; }

    /// <summary>Pods whose end is announced here and whose finalizer may go; the counters follow when it has gone.</summary>
    public ImmutableSortedSet<string> UncountedSucceeded { get; init; } = ImmutableSortedSet<string>.Empty;

    /// <inheritdoc cref="UncountedSucceeded"/>
    public ImmutableSortedSet<string> UncountedFailed { get; init; } = ImmutableSortedSet<string>.Empty;

    public IndexSet CompletedIndexes { get; init; } = IndexSet.Empty;

    /// <summary>Null unless the Job has a limit per index.</summary>
    public IndexSet? FailedIndexes { get; init; }

    public ImmutableArray<JobCondition> Conditions { get; init; } = [];

    /// <summary>Complete or Failed, once it is true: the job is over.</summary>
    public JobCondition? Finished => Conditions.FirstOrDefault(static c => c is { Type: "Complete" or "Failed", IsTrue: true });

    /// <summary>SuccessCriteriaMet or FailureTarget: how the job ends is decided, its pods may still be running.</summary>
    public JobCondition? Decided => Conditions.FirstOrDefault(static c => c is { Type: "SuccessCriteriaMet" or "FailureTarget", IsTrue: true });

    public JobCondition? Condition(string type) => Conditions.FirstOrDefault(c => c.Type == type);

    public JobStatus With(JobCondition condition) => Condition(condition.Type) is { } old
        ? this with { Conditions = Conditions.Replace(old, condition) }
        : this with { Conditions = Conditions.Add(condition) };

    public static JobStatus Read(JsonElement status) => new()
    {
        _read = status,
        Active = (int)(status.Integer("active") ?? 0),
        Ready = (int?)status.Integer("ready"),
        Terminating = (int?)status.Integer("terminating"),
        Succeeded = (int)(status.Integer("succeeded") ?? 0),
        Failed = (int)(status.Integer("failed") ?? 0),
        StartTime = status.Time("startTime"),
        CompletionTime = status.Time("completionTime"),
        UncountedSucceeded = Uids(status, "succeeded"),
        UncountedFailed = Uids(status, "failed"),
        CompletedIndexes = IndexSet.Parse(status.Text("completedIndexes") ?? ""),
        FailedIndexes = status.Text("failedIndexes") is { } failed ? IndexSet.Parse(failed) : null,
        Conditions = [.. status.Items("conditions").Select(JobCondition.Read)],
    };

    public System.Text.Json.Nodes.JsonObject ToTree()
    {
        var tree = _read.ToTree() as System.Text.Json.Nodes.JsonObject ?? [];
        Set("active", Active > 0 ? Active : null);
        Set("ready", Ready);
        Set("terminating", Terminating);
        Set("succeeded", Succeeded > 0 ? Succeeded : null);
        Set("failed", Failed > 0 ? Failed : null);
        Set("startTime", StartTime is { } start ? KubeTime.Format(start) : null);
        Set("completionTime", CompletionTime is { } end ? KubeTime.Format(end) : null);
        Set("completedIndexes", CompletedIndexes.Count > 0 ? CompletedIndexes.ToString() : null);
        Set("failedIndexes", FailedIndexes?.ToString());
        Set("conditions", Conditions.IsEmpty ? null : new System.Text.Json.Nodes.JsonArray([.. Conditions.Select(static c => c.ToTree())]));
        var uncounted = new System.Text.Json.Nodes.JsonObject();
        if (!UncountedSucceeded.IsEmpty) uncounted["succeeded"] = UncountedSucceeded.ToTree();
        if (!UncountedFailed.IsEmpty) uncounted["failed"] = UncountedFailed.ToTree();
        tree["uncountedTerminatedPods"] = uncounted;
        return tree;

        void Set(string member, System.Text.Json.Nodes.JsonNode? value)
        {
            if (value is null) tree.Remove(member);
            else tree[member] = value;
        }
    }

    private static ImmutableSortedSet<string> Uids(JsonElement status, string outcome) =>
        [.. status.Items("uncountedTerminatedPods", outcome).Select(static u => u.GetString() ?? "")];
}

/// <summary>An entry of <c>status.conditions</c>.</summary>
public sealed record JobCondition(string Type, bool IsTrue, string Reason, string Message, DateTimeOffset Since)
{
    private JsonElement _read;

    public static JobCondition Read(JsonElement c) => new(
        c.Text("type") ?? "", c.Text("status") == "True", c.Text("reason") ?? "", c.Text("message") ?? "", c.Time("lastTransitionTime") ?? default) { _read = c };

    public System.Text.Json.Nodes.JsonObject ToTree()
    {
        // A condition that stayed as it was is written as it was read.
        if (_read.ValueKind == JsonValueKind.Object && Read(_read).Says(this)) return (System.Text.Json.Nodes.JsonObject)_read.ToTree()!;
        return new()
        {
            ["type"] = Type,
            ["status"] = IsTrue ? "True" : "False",
            ["lastProbeTime"] = KubeTime.Format(Since),
            ["lastTransitionTime"] = KubeTime.Format(Since),
            ["reason"] = Reason,
            ["message"] = Message,
        };
    }

    private bool Says(JobCondition other) =>
        Type == other.Type && IsTrue == other.IsTrue && Reason == other.Reason && Message == other.Message && Since == other.Since;
}
