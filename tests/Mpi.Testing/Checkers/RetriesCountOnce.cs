using Kube.Types;
using Mpi.Model;
using Mpi.Planning;

namespace Mpi.Testing;

/// <summary>
/// What is recorded as spent was spent: for each failure something really failed by itself, for each loss something failed, ended or was taken
/// away, and each attempt but the first has its cause among them. Waiting is none. What is spent stays within the limits, the launcher's Job gets
/// what is left, and no job fails of nothing.
/// </summary>
internal sealed class RetriesCountOnce(PlanningOptions options) : Checker
{
    /// <summary>The Job API's own default.</summary>
    private const int DefaultBackoffLimit = 6;

    private readonly Dictionary<string, Troubles> _troubles = new(StringComparer.Ordinal);

    public override void Changed(Change change, ClusterView view)
    {
        if (view.JobOf(change.Object) is not { } job) return;
        if (!_troubles.TryGetValue(job.Uid, out var troubles)) _troubles[job.Uid] = troubles = new Troubles();
        if (change.Kind == Kinds.Pod) troubles.Witness(change, job.PartOf(change.Object) is { IsLauncher: true });
        if (change.Kind == Kinds.Job && change.Object.Meta.Name == job.Profile.Launcher)
        {
            if (IsTakenAway(change)) troubles.LaunchersTaken++;
            if (change.Before is null) CheckBudget(job, change.After!);
        }

        if (view.IsJob(change.Kind) && change.After is not null && job.Recorded.Attempt is { } attempt) CheckRecord(job, attempt, troubles);
    }

    private void CheckRecord(JobView job, AttemptRecord attempt, Troubles troubles)
    {
        var spent = attempt.Failures + attempt.Losses;
        if (spent > troubles.All) throw Broken($"{job} counts {attempt.Failures} failures and {attempt.Losses} losses, and only {troubles.All} times anything went wrong");
        if (attempt.Failures > troubles.Own) throw Broken($"{job} counts {attempt.Failures} failures, and only {troubles.Own} times anything failed by itself");
        if (attempt.Number - 1 > spent) throw Broken($"{job} is at attempt {attempt.Number} and counts {attempt.Failures} failures and {attempt.Losses} losses: one was free");
        if (attempt.Losses > options.InfrastructureRestarts) throw Broken($"{job} was started anew {attempt.Losses} times for lost pods");
        if (job.Run is { } run && attempt.Failures > (run.Retry.BackoffLimit ?? DefaultBackoffLimit)) throw Broken($"{job} counts {attempt.Failures} failures, more than its backoffLimit");
        if (job.Recorded.Outcome is not RunOutcome.Failed { Reason: var reason } || reason == "DeadlineExceeded") return;
        if (troubles.All == 0) throw Broken($"{job} failed ({reason}), and nothing ever went wrong");
        if (reason.StartsWith("BackoffLimitExceeded", StringComparison.Ordinal) && troubles.Own == 0) throw Broken($"{job} spent its retries though nothing ever failed by itself");
    }

    private void CheckBudget(JobView job, KubeObject launcher)
    {
        if (job.Run is not { Workers.Form: not WorkerForm.JobIndexes } run) return;
        var left = (run.Retry.BackoffLimit ?? DefaultBackoffLimit) - (job.Recorded.Attempt?.Failures ?? 0);
        var given = launcher.Root.Integer("spec", "backoffLimit") ?? DefaultBackoffLimit;
        if (given != Math.Max(0, left)) throw Broken($"the launcher of {job} may fail {given} times and {left} retries are left");
    }

    /// <summary>By somebody: what the operator, or a controller for its sake, takes away counts for nothing.</summary>
    private static bool IsTakenAway(Change change) =>
        change.Before is { Meta.DeletionTimestamp: null } && change.After is not { Meta.DeletionTimestamp: null }
        && !change.IsOperators && change.Actor is not ("controller/jobs" or "controller/statefulsets" or "controller/garbage-collector");

    /// <summary>Everything of one job that may count, each once.</summary>
    private sealed class Troubles
    {
        private readonly Dictionary<string, PodTrouble> _pods = new(StringComparer.Ordinal);

        public int LaunchersTaken { get; set; }
        public int All => LaunchersTaken + _pods.Values.Sum(static p => Math.Max(p.Failures.Count, p.IsOver ? 1 : 0));
        public int Own => LaunchersTaken + _pods.Values.Sum(static p => Math.Max(p.OwnFailures, p.IsOverByItself ? 1 : 0));

        public void Witness(Change change, bool launcher)
        {
            if (!_pods.TryGetValue(change.Object.Meta.Uid, out var pod)) _pods[change.Object.Meta.Uid] = pod = new PodTrouble();
            if (change.After is { } now)
            {
                // A Job counts each launcher that failed, whosever doing it was.
                var byItself = launcher || !IsDisrupted(now);
                foreach (var container in now.Root.Items("status", "containerStatuses"))
                {
                    foreach (var state in (ReadOnlySpan<string>)["state", "lastState"])
                    {
                        // How a container ended is told again as its last state when it has been started anew. A worker is not to end, well or not.
                        if (container.Integer(state, "terminated", "exitCode") is { } code && (code != 0 || !launcher) && pod.Failures.Add($"{container.Text("name")} {code} at {container.Text(state, "terminated", "finishedAt")}") && byItself) pod.OwnFailures++;
                    }
                }

                if (now.Root.Text("status", "phase") is "Failed" or "Succeeded" && !pod.IsOver) (pod.IsOver, pod.IsOverByItself) = (true, byItself);
            }

            if (IsTakenAway(change) && !pod.IsOver) (pod.IsOver, pod.IsOverByItself) = (true, launcher);
        }

        private static bool IsDisrupted(KubeObject pod) =>
            pod.Meta.DeletionTimestamp is not null || pod.Root.Text("status", "reason") is { Length: > 0 } || Conditions.IsTrue(pod.Root.At("status"), "DisruptionTarget");
    }

    private sealed class PodTrouble
    {
        public HashSet<string> Failures { get; } = new(StringComparer.Ordinal);
        public int OwnFailures { get; set; }
        public bool IsOver { get; set; }
        public bool IsOverByItself { get; set; }
    }
}
