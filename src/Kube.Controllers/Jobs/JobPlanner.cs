using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Decides what a Job needs. Pure: the same observation gives the same plan. The stages, in reading order: count the
/// pods that have ended, see whether the job is decided, then either wind it up or keep the wanted number of pods.
/// </summary>
public static class JobPlanner
{
    // Kubernetes' own limits on one pass, which keep a status and a burst of requests small.
    private const int CountedPerPassMax = 500;
    private const int PodsPerPassMax = 500;

    public static JobPlan Plan(ObservedJob seen)
    {
        var status = seen.Job.Status;
        if (seen.Job.IsManagedElsewhere) return new JobPlan { Backoff = JobBackoff.None };
        if (seen.Job.Meta.DeletionTimestamp is not null || status.Finished is not null) return AfterTheEnd(seen);

        var decided = status.Decided ?? Condemned(seen);
        var ended = CountEnded(seen, decided, ref status);
        var backoff = (seen.Backoff ?? JobBackoff.None.After(seen.Pods.Where(p => JobPods.HasEnded(p, seen.Job) && !ended.Contains(p)))).After(ended);
        if (status.StartTime is null && !seen.Job.IsSuspended) status = status with { StartTime = seen.Now };

        decided ??= Decide(seen, status);
        return decided is not null
            ? WindUp(seen, status, decided, backoff)
            : KeepPods(seen, status, backoff);
    }

    /// <summary>A Job that is over or on its way out holds no pod any more.</summary>
    private static JobPlan AfterTheEnd(ObservedJob seen)
    {
        var plan = new JobPlan { Backoff = JobBackoff.None, Release = [.. seen.Pods.Where(static p => p.IsTracked())] };
        if (seen.Job.Status.Finished is not { } finished || seen.Job.TimeToLive is not { } life || seen.Job.Meta.DeletionTimestamp is not null) return plan;
        var end = finished.Since + life;
        return end <= seen.Now ? plan with { DeleteJob = true } : plan with { Again = end };
    }

    /// <summary>
    /// Brings the counters up to date, in two steps, so that a crash between them counts no pod twice and none never: the
    /// UIDs of ended pods enter the status, their finalizers go, and only then the UIDs become numbers.
    /// </summary>
    private static ImmutableHashSet<PodView> CountEnded(ObservedJob seen, JobCondition? decided, ref JobStatus status)
    {
        var held = seen.Pods.Where(static p => p.IsTracked()).Select(static p => p.Meta.Uid).ToHashSet();
        var succeeded = status.UncountedSucceeded.Where(held.Contains).ToImmutableSortedSet(StringComparer.Ordinal);
        var failed = status.UncountedFailed.Where(held.Contains).ToImmutableSortedSet(StringComparer.Ordinal);
        var nowSucceeded = status.Succeeded + status.UncountedSucceeded.Count - succeeded.Count;
        var nowFailed = status.Failed + status.UncountedFailed.Count - failed.Count;

        if (seen.Job.IsIndexed)
        {
            // Of an index it is enough to know that it has succeeded or failed: that cannot be counted twice.
            status = status with { CompletedIndexes = status.CompletedIndexes.Below(seen.Job.Completions ?? 0) };
            if (seen.Job.BackoffLimitPerIndex is not null)
            {
                status = status with { FailedIndexes = (status.FailedIndexes ?? IndexSet.Empty).Below(seen.Job.Completions ?? 0).Add(JobIndexes.Failed(seen.Job, seen.Pods.Where(static p => p.IsTracked()))) };
            }
        }

        var holders = decided is null ? JobIndexes.Holders(seen.Job, seen.Pods, status) : ImmutableDictionary<int, PodView>.Empty;
        ImmutableArray<PodView> ended = [.. seen.Pods.Where(p => p.IsTracked() && JobPods.HasEnded(p, seen.Job) && !succeeded.Contains(p.Meta.Uid) && !failed.Contains(p.Meta.Uid) && !holders.ContainsValue(p))
            .Take(CountedPerPassMax)];
        status = status with
        {
            // The successes of an Indexed Job are its indexes, which cannot be counted twice.
            CompletedIndexes = seen.Job.IsIndexed
                ? status.CompletedIndexes.Add(ended.Where(static p => p.Phase == "Succeeded").Select(static p => p.CompletionIndex() ?? -1).Where(i => i >= 0 && i < seen.Job.Completions))
                : status.CompletedIndexes,
            UncountedSucceeded = seen.Job.IsIndexed ? succeeded : succeeded.Union(ended.Where(static p => p.Phase == "Succeeded").Select(static p => p.Meta.Uid)),
            UncountedFailed = failed.Union(ended.Where(p => p.Phase != "Succeeded" && !IsIgnored(p, seen.Job)).Select(static p => p.Meta.Uid)),
            Succeeded = nowSucceeded,
            Failed = nowFailed,
        };
        if (seen.Job.IsIndexed) status = status with { Succeeded = status.CompletedIndexes.Count };
        return [.. ended];
    }

    /// <summary>The failure policy has this pod's failure count nowhere.</summary>
    private static bool IsIgnored(PodView pod, JobView job) => pod.Phase == "Failed" && job.FailurePolicy.Decide(pod, out _) == PodFailureAction.Ignore;

    /// <summary>A failed pod for which the failure policy ends the Job at once.</summary>
    private static JobCondition? Condemned(ObservedJob seen)
    {
        foreach (var pod in seen.Pods)
        {
            if (pod.Phase == "Failed" && pod.IsTracked() && seen.Job.FailurePolicy.Decide(pod, out var message) == PodFailureAction.FailJob)
            {
                return new JobCondition("FailureTarget", true, "PodFailurePolicy", message, seen.Now);
            }
        }

        return null;
    }

    /// <summary>Whether, and how, the job ends; null while it goes on.</summary>
    private static JobCondition? Decide(ObservedJob seen, JobStatus status)
    {
        var job = seen.Job;
        var succeeded = status.Succeeded + status.UncountedSucceeded.Count;
        var failed = status.Failed + status.UncountedFailed.Count;
        var hasActive = seen.Pods.Any(static p => p.IsActive);

        if (failed > job.BackoffLimit || RestartsExceedLimit(seen))
        {
            return new JobCondition("FailureTarget", true, "BackoffLimitExceeded", "Job has reached the specified backoff limit", seen.Now);
        }

        if (job.IsIndexed && DecideByIndexes(seen, status) is { } byIndexes) return byIndexes;

        if (!hasActive && (job.Completions is { } wanted ? succeeded >= wanted : succeeded > 0 && !job.IsSuspended))
        {
            return new JobCondition("SuccessCriteriaMet", true, "CompletionsReached", "Reached expected number of succeeded pods", seen.Now);
        }

        return !job.IsSuspended && DeadlineOf(job, status) <= seen.Now
            ? new JobCondition("FailureTarget", true, "DeadlineExceeded", "Job was active longer than specified deadline", seen.Now)
            : null;
    }

    private static JobCondition? DecideByIndexes(ObservedJob seen, JobStatus status)
    {
        var job = seen.Job;
        if (job.SuccessPolicy.Match(status.CompletedIndexes) is { } rule)
        {
            return new JobCondition("SuccessCriteriaMet", true, "SuccessPolicy", $"Matched rules at index {rule}", seen.Now);
        }

        if (status.FailedIndexes is not { Count: > 0 } failed) return null;
        if (failed.Count > job.MaxFailedIndexes)
        {
            return new JobCondition("FailureTarget", true, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes", seen.Now);
        }

        return status.CompletedIndexes.Count + failed.Count >= job.Completions
            ? new JobCondition("FailureTarget", true, "FailedIndexes", "Job has failed indexes", seen.Now)
            : null;
    }

    /// <summary>Containers that are restarted in place spend the limit too: their pods never fail.</summary>
    private static bool RestartsExceedLimit(ObservedJob seen)
    {
        if (seen.Job.PodRestartPolicy != "OnFailure") return false;
        var restarts = seen.Pods.Where(static p => p.IsActive && p.Phase is "Running" or "Pending").Sum(static p => p.RestartCount);
        return seen.Job.BackoffLimit == 0 ? restarts > 0 : restarts >= seen.Job.BackoffLimit;
    }

    private static DateTimeOffset? DeadlineOf(JobView job, JobStatus status) =>
        status.StartTime is { } start && job.ActiveDeadline is { } deadline ? start + deadline : null;

    /// <summary>The end is decided: no pod may stay, and when none is left and all are counted, the end is final.</summary>
    private static JobPlan WindUp(ObservedJob seen, JobStatus status, JobCondition decided, JobBackoff backoff)
    {
        if (status.Condition(decided.Type) != decided) status = status.With(decided);
        ImmutableArray<PodView> active = [.. seen.Pods.Where(static p => p.IsActive)];
        status = status with { Active = 0, Ready = 0, Terminating = Terminating(seen) + active.Length };
        var isSettled = status.Terminating == 0 && status.UncountedSucceeded.IsEmpty && status.UncountedFailed.IsEmpty
            && !seen.Pods.Any(p => p.IsTracked() && !IsAnnounced(p, status, seen.Job));
        if (isSettled)
        {
            var complete = decided.Type == "SuccessCriteriaMet";
            status = status.With(decided with { Type = complete ? "Complete" : "Failed", Since = seen.Now });
            if (complete) status = status with { CompletionTime = seen.Now };
        }

        return new JobPlan
        {
            Backoff = backoff,
            Status = Changed(seen, status),
            Release = Announced(seen, status),
            Delete = active,
            Events =
            [
                .. !isSettled ? [] : new[]
                {
                    decided.Type == "SuccessCriteriaMet" ? new JobEvent("Normal", "Completed", "Job completed") : new JobEvent("Warning", decided.Reason, decided.Message),
                },
            ],
            Again = isSettled && seen.Job.TimeToLive is { } life ? seen.Now + life : null,
        };
    }

    /// <summary>The job goes on: as many pods as it wants, none while it is suspended.</summary>
    private static JobPlan KeepPods(ObservedJob seen, JobStatus status, JobBackoff backoff)
    {
        var events = new List<JobEvent>();
        status = FollowSuspension(seen, status, events);

        var wanted = Wanted(seen, status);
        var discard = Surplus(seen, status, wanted);
        ImmutableArray<PodView> active = [.. seen.Pods.Where(p => p.IsActive && !discard.Contains(p))];
        var terminating = Terminating(seen) + discard.Length;
        var holders = JobIndexes.Holders(seen.Job, seen.Pods, status);
        var missing = wanted - active.Length - (seen.Job.ReplacesOnlyFailedPods ? terminating : 0);

        DateTimeOffset? again = seen.Job.IsSuspended ? null : DeadlineOf(seen.Job, status);
        ImmutableArray<NewPod> create = [];
        // Pods are either taken away or added in one pass, so that no index and no place is ever held twice.
        if (missing > 0 && discard.IsEmpty)
        {
            var waits = seen.Job.BackoffLimitPerIndex is null ? backoff.Until : DateTimeOffset.MinValue;
            if (waits <= seen.Now) create = NewPods(seen, status, holders, Math.Min(missing, PodsPerPassMax));
            foreach (var until in holders.Values.Select(JobIndexes.Until).Append(waits))
            {
                if (until > seen.Now && !(again < until)) again = until;
            }
        }

        status = status with { Active = active.Length, Ready = active.Count(static p => p.IsReady), Terminating = terminating };
        return new JobPlan
        {
            Backoff = backoff,
            Status = Changed(seen, status),
            Release = [.. Announced(seen, status).Where(p => !holders.ContainsValue(p))],
            Discard = discard,
            Create = create,
            Events = [.. events],
            Again = again,
        };
    }

    private static JobStatus FollowSuspension(ObservedJob seen, JobStatus status, List<JobEvent> events)
    {
        var isMarked = status.Condition("Suspended") is { IsTrue: true };
        if (seen.Job.IsSuspended && !isMarked)
        {
            events.Add(new JobEvent("Normal", "Suspended", "Job suspended"));
            return status.With(new JobCondition("Suspended", true, "JobSuspended", "Job suspended", seen.Now));
        }

        if (seen.Job.IsSuspended || !isMarked) return status;

        // The deadline counts the time of being active without a break: it begins anew.
        events.Add(new JobEvent("Normal", "Resumed", "Job resumed"));
        return status.With(new JobCondition("Suspended", false, "JobResumed", "Job resumed", seen.Now)) with { StartTime = seen.Now };
    }

    private static int Wanted(ObservedJob seen, JobStatus status)
    {
        var job = seen.Job;
        if (job.IsSuspended) return 0;
        var succeeded = status.Succeeded + status.UncountedSucceeded.Count;
        if (job.Completions is { } completions) return Math.Clamp(completions - succeeded - (status.FailedIndexes?.Count ?? 0), 0, job.Parallelism);
        // A work queue whose first pod has succeeded is drained: what runs may finish, nothing is added.
        return succeeded > 0 ? Math.Min(seen.Pods.Count(static p => p.IsActive), job.Parallelism) : job.Parallelism;
    }

    /// <summary>Active pods beyond the wanted number, those first that lose the least; and of an Indexed Job those that double an index or have none.</summary>
    private static ImmutableArray<PodView> Surplus(ObservedJob seen, JobStatus status, int wanted)
    {
        var surplus = ImmutableArray.CreateBuilder<PodView>();
        var kept = new List<PodView>();
        var held = new HashSet<int>();
        foreach (var pod in seen.Pods.Where(static p => p.IsActive).OrderBy(static p => p.NodeName.Length == 0).ThenBy(static p => !p.IsReady).ThenBy(static p => p.Meta.CreationTimestamp).ThenBy(static p => p.Meta.Name, StringComparer.Ordinal))
        {
            var misplaced = seen.Job.IsIndexed && (pod.CompletionIndex() is not { } index || index >= seen.Job.Completions || IsOver(status, index) || !held.Add(index));
            if (misplaced) surplus.Add(pod);
            else kept.Add(pod);
        }

        surplus.AddRange(kept.Skip(wanted));
        return [.. surplus.Take(PodsPerPassMax)];
    }

    /// <param name="holders">The last failed pod of each index whose failures are counted for itself.</param>
    private static ImmutableArray<NewPod> NewPods(ObservedJob seen, JobStatus status, ImmutableDictionary<int, PodView> holders, int count)
    {
        var job = seen.Job;
        // Pods that are counted may be gone, their names with them. Starting behind them keeps names from coming back.
        var firstPlace = status.Succeeded + status.Failed + status.UncountedSucceeded.Count + status.UncountedFailed.Count;
        if (!job.IsIndexed)
        {
            return [.. Places(firstPlace).Where(place => !seen.IsNameTaken(JobPods.NameOf(job, null, place))).Take(count).Select(place => JobPods.Build(job, null, place))];
        }

        var firstAttempt = status.Failed + status.UncountedFailed.Count;
        var held = seen.Pods.Where(p => p.IsActive || (job.ReplacesOnlyFailedPods && !p.IsFinished)).Select(static p => p.CompletionIndex() ?? -1).ToHashSet();
        return [.. Enumerable.Range(0, job.Completions ?? 0)
            .Where(index => !IsOver(status, index) && !held.Contains(index) && !(holders.TryGetValue(index, out var last) && JobIndexes.Until(last) > seen.Now))
            .Take(count)
            .Select(index => JobPods.Build(job, index, Places(firstAttempt).First(place => !seen.IsNameTaken(JobPods.NameOf(job, index, place))), holders.GetValueOrDefault(index)))];
    }

    private static bool IsOver(JobStatus status, int index) => status.CompletedIndexes.Contains(index) || status.FailedIndexes?.Contains(index) == true;

    private static IEnumerable<int> Places(int first)
    {
        for (var place = first; ; place++) yield return place;
    }

    private static int Terminating(ObservedJob seen) => seen.Pods.Count(static p => p.IsTerminating && !p.IsFinished);

    private static bool IsAnnounced(PodView pod, JobStatus status, JobView job) =>
        status.UncountedSucceeded.Contains(pod.Meta.Uid) || status.UncountedFailed.Contains(pod.Meta.Uid) || (job.IsIndexed && pod.Phase == "Succeeded") || IsIgnored(pod, job);

    private static ImmutableArray<PodView> Announced(ObservedJob seen, JobStatus status) =>
        [.. seen.Pods.Where(p => p.IsTracked() && IsAnnounced(p, status, seen.Job))];

    private static JobStatus? Changed(ObservedJob seen, JobStatus status) =>
        JsonNode.DeepEquals(seen.Job.Status.ToTree(), status.ToTree()) && seen.Job.Object.Root.Has("status", "uncountedTerminatedPods") ? null : status;
}
