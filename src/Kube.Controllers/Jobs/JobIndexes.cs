using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// The failures of each index of a Job with <c>backoffLimitPerIndex</c>. They are written on the pods themselves, each new one
/// carrying the number of its predecessors' failures: so the last failed pod of an index is held until its successor exists.
/// </summary>
public static class JobIndexes
{
    public const string FailureCount = "batch.kubernetes.io/job-index-failure-count";
    public const string IgnoredFailureCount = "batch.kubernetes.io/job-index-ignored-failure-count";

    /// <summary>Failures that went before the pod and counted.</summary>
    public static int FailuresBefore(this PodView pod) => Count(pod, FailureCount);

    private static int Count(PodView pod, string annotation) =>
        pod.Meta.Annotations.TryGetValue(annotation, out var text) && int.TryParse(text, out var count) ? count : 0;

    /// <summary>Indexes that have failed for good: beyond their limit, or by a rule of the failure policy.</summary>
    public static IEnumerable<int> Failed(JobView job, IEnumerable<PodView> pods)
    {
        if (job.BackoffLimitPerIndex is not { } limit) yield break;
        foreach (var pod in pods.Where(p => JobPods.HasEnded(p, job) && p.Phase != "Succeeded"))
        {
            if (pod.CompletionIndex() is not { } index || !(index < job.Completions)) continue;
            var action = job.FailurePolicy.Decide(pod, out _);
            if (action == PodFailureAction.FailIndex || (action != PodFailureAction.Ignore && pod.FailuresBefore() >= limit)) yield return index;
        }
    }

    /// <summary>The pods that carry their index's count while it has no successor yet.</summary>
    public static ImmutableDictionary<int, PodView> Holders(JobView job, IEnumerable<PodView> pods, JobStatus status)
    {
        if (job.BackoffLimitPerIndex is null) return ImmutableDictionary<int, PodView>.Empty;
        var holders = ImmutableDictionary.CreateBuilder<int, PodView>();
        foreach (var group in pods.Where(static p => p.CompletionIndex() is not null).GroupBy(static p => p.CompletionIndex()!.Value))
        {
            var isOver = !(group.Key < job.Completions) || status.CompletedIndexes.Contains(group.Key) || status.FailedIndexes?.Contains(group.Key) == true;
            if (isOver || group.Any(static p => p.IsActive)) continue;
            var last = group.Where(p => JobPods.HasEnded(p, job) && p.Phase != "Succeeded").MaxBy(static p => p.FailuresBefore() + Count(p, IgnoredFailureCount));
            if (last is not null) holders[group.Key] = last;
        }

        return holders.ToImmutable();
    }

    /// <summary>What a successor is told of the pod that it follows; nothing (0, 0) for the first of an index.</summary>
    public static (int Failures, int Ignored) After(JobView job, PodView? last)
    {
        if (last is null) return (0, 0);
        var ignored = job.FailurePolicy.Decide(last, out _) == PodFailureAction.Ignore;
        return (last.FailuresBefore() + (ignored ? 0 : 1), Count(last, IgnoredFailureCount) + (ignored ? 1 : 0));
    }

    /// <summary>When the successor of the pod may come: the same growing wait as for a whole Job, counted for the index alone.</summary>
    public static DateTimeOffset Until(PodView last) => new JobBackoff(last.FailuresBefore() + Count(last, IgnoredFailureCount) + 1, JobBackoff.EndOf(last), DateTimeOffset.MinValue).Until;
}
