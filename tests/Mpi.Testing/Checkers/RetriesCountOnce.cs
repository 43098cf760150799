using Kube.Types;
using Mpi.Model;

namespace Mpi.Testing;

/// <summary>
/// What is recorded as spent was spent: for each failure and each loss that counts something really failed, ended or was taken away, and
/// each attempt but the first has its cause among them. Waiting is none. What is spent stays within the limits, and the launcher's Job gets what is left.
/// </summary>
internal sealed class RetriesCountOnce : Checker
{
    /// <summary>The Job API's own default.</summary>
    private const int DefaultBackoffLimit = 6;

    /// <summary>The operator's, which no scenario changes.</summary>
    private const int MostLosses = 3;

    private readonly Dictionary<string, HashSet<string>> _troubles = new(StringComparer.Ordinal);

    public override void Changed(Change change, ClusterView view)
    {
        if (view.JobOf(change.Object) is not { } job) return;
        if (change.Kind == Kinds.Pod) Witness(job, change);
        if (change.Kind == Kinds.Job && change.Object.Meta.Name == job.Profile.Launcher)
        {
            if (change.After is null) Note(job, $"launcher {change.Object.Meta.Uid} is gone");
            if (change.Before is null) CheckBudget(job, change.After!);
        }

        if (view.IsJob(change.Kind) && change.After is not null && job.Recorded.Attempt is { } attempt) CheckRecord(job, attempt);
    }

    private void CheckRecord(JobView job, AttemptRecord attempt)
    {
        var spent = attempt.Failures + attempt.Losses;
        var seen = _troubles.GetValueOrDefault(job.Uid)?.Count ?? 0;
        if (spent > seen) throw Broken($"{job} counts {attempt.Failures} failures and {attempt.Losses} losses, and only {seen} times anything went wrong");
        if (attempt.Number - 1 > spent) throw Broken($"{job} is at attempt {attempt.Number} and counts {attempt.Failures} failures and {attempt.Losses} losses: one was free");
        if (attempt.Losses > MostLosses) throw Broken($"{job} was started anew {attempt.Losses} times for lost pods");
        if (job.Run is { } run && attempt.Failures > (run.Retry.BackoffLimit ?? DefaultBackoffLimit)) throw Broken($"{job} counts {attempt.Failures} failures, more than its backoffLimit");
        if (job.Recorded.Outcome is RunOutcome.Failed { Reason: var reason } && reason.StartsWith("BackoffLimitExceeded", StringComparison.Ordinal) && seen == 0) throw Broken($"{job} spent its retries though nothing ever failed");
    }

    private void CheckBudget(JobView job, KubeObject launcher)
    {
        if (job.Run is not { Workers.Form: not WorkerForm.JobIndexes } run) return;
        var left = (run.Retry.BackoffLimit ?? DefaultBackoffLimit) - (job.Recorded.Attempt?.Failures ?? 0);
        var given = launcher.Root.Integer("spec", "backoffLimit") ?? DefaultBackoffLimit;
        if (given != Math.Max(0, left)) throw Broken($"the launcher of {job} may fail {given} times and {left} retries are left");
    }

    /// <summary>Everything that may count, each once. What an operator takes away counts for nothing.</summary>
    private void Witness(JobView job, Change change)
    {
        var pod = change.Object;
        if (change.After is { } now)
        {
            if (now.Root.Text("status", "phase") is "Failed" or "Succeeded") Note(job, $"{pod.Meta.Uid} ended");
            foreach (var container in now.Root.Items("status", "containerStatuses"))
            {
                foreach (var state in (ReadOnlySpan<string>)["state", "lastState"])
                {
                    if (container.Integer(state, "terminated", "exitCode") is { } code and not 0) Note(job, $"{pod.Meta.Uid} {code} at {container.Text(state, "terminated", "finishedAt")}");
                }
            }
        }

        var taken = change.After is null ? change.Before?.Meta.DeletionTimestamp is null : change.After.Meta.DeletionTimestamp is not null && change.Before?.Meta.DeletionTimestamp is null;
        if (taken && !change.IsOperators) Note(job, $"{pod.Meta.Uid} was taken away");
    }

    private void Note(JobView job, string trouble)
    {
        if (!_troubles.TryGetValue(job.Uid, out var seen)) _troubles[job.Uid] = seen = new HashSet<string>(StringComparer.Ordinal);
        seen.Add(trouble);
    }
}
