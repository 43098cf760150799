using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>All that a decision about a Job rests on.</summary>
/// <param name="Pods">The pods this Job controls, in whatever state.</param>
/// <param name="IsNameTaken">Whether any pod of the namespace has the name.</param>
/// <param name="Backoff">What is remembered of earlier failures; null after a restart, when the pods themselves must tell.</param>
public sealed record ObservedJob(JobView Job, ImmutableArray<PodView> Pods, Func<string, bool> IsNameTaken, JobBackoff? Backoff, DateTimeOffset Now);

/// <summary>
/// What to do for a Job, in the order of the members. The status goes first and under the resourceVersion that was
/// observed: a decision that rests on an outdated Job ends there, before it could create or release anything.
/// </summary>
public sealed record JobPlan
{
    /// <summary>The new status. Null: as it is.</summary>
    public JobStatus? Status { get; init; }

    /// <summary>Pods that lose the tracking finalizer, because the status tells their end.</summary>
    public ImmutableArray<PodView> Release { get; init; } = [];

    /// <summary>Pods that are not wanted any more and count neither as success nor as failure.</summary>
    public ImmutableArray<PodView> Discard { get; init; } = [];

    /// <summary>Pods to delete because the job has failed; they count when they have ended.</summary>
    public ImmutableArray<PodView> Delete { get; init; } = [];

    public ImmutableArray<NewPod> Create { get; init; } = [];

    /// <summary>What to tell, once all of the above has landed.</summary>
    public ImmutableArray<JobEvent> Events { get; init; } = [];

    /// <summary>The job's time to live is over: delete it, its pods first.</summary>
    public bool DeleteJob { get; init; }

    /// <summary>When time alone will change the decision.</summary>
    public DateTimeOffset? Again { get; init; }

    /// <summary>To be remembered for the next decision, once this plan's status has landed.</summary>
    public required JobBackoff Backoff { get; init; }

    public bool IsEmpty => Status is null && Release.IsEmpty && Discard.IsEmpty && Delete.IsEmpty && Create.IsEmpty && !DeleteJob;
}

public sealed record NewPod(string Name, JsonObject Tree);

/// <param name="Type">Normal or Warning.</param>
public sealed record JobEvent(string Type, string Reason, string Message);

/// <summary>How long the next pod waits: 10 s after the first failure in a row, then twice as long each time, at most 6 minutes.</summary>
/// <param name="Failures">Failed pods since a pod succeeded.</param>
public sealed record JobBackoff(int Failures, DateTimeOffset LastFailure, DateTimeOffset LastSuccess)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(6);

    public static JobBackoff None { get; } = new(0, DateTimeOffset.MinValue, DateTimeOffset.MinValue);

    /// <summary>When a new pod may be created.</summary>
    public DateTimeOffset Until => Failures == 0
        ? DateTimeOffset.MinValue
        : LastFailure + (Failures > 6 ? Longest : TimeSpan.FromTicks(Math.Min(First.Ticks << (Failures - 1), Longest.Ticks)));

    /// <summary>Takes the ends of further pods into account, in the order in which they came.</summary>
    public JobBackoff After(IEnumerable<PodView> ended)
    {
        var backoff = this;
        foreach (var pod in ended.OrderBy(EndOf))
        {
            var at = EndOf(pod);
            if (pod.Phase == "Succeeded") backoff = backoff with { Failures = at >= backoff.LastFailure ? 0 : backoff.Failures, LastSuccess = Later(at, backoff.LastSuccess) };
            else if (at >= backoff.LastSuccess) backoff = backoff with { Failures = backoff.Failures + 1, LastFailure = Later(at, backoff.LastFailure) };
        }

        return backoff;
    }

    // A pod that lost its node tells no end of its containers.
    internal static DateTimeOffset EndOf(PodView pod) =>
        pod.ContainersFinishedAt ?? pod.Meta.DeletionTimestamp ?? pod.Meta.CreationTimestamp ?? DateTimeOffset.MinValue;

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
