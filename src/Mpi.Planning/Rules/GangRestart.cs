using System.Collections.Immutable;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// What the loss of workers means: the whole gang starts anew as the next attempt, because an MPI program does not survive
/// the loss of a rank, or the run has failed because its limits are spent (design section 3).
/// </summary>
internal static class GangRestart
{
    public static void Decide(Draft draft, ImmutableArray<WorkerLoss> losses)
    {
        // Infrastructure first: when a node goes, what else fails beside it is most likely its doing.
        var infrastructure = losses.Where(static l => l.Infrastructure).ToImmutableArray();
        if (!infrastructure.IsEmpty) ForInfrastructure(draft, infrastructure, Name(draft, infrastructure));
        else ForOwnFailure(draft, Name(draft, losses));
    }

    /// <summary>A restart that is not the user's failure; the last one allowed fails the run.</summary>
    public static void ForInfrastructure(Draft draft, ImmutableArray<WorkerLoss> losses, string what)
    {
        var limit = draft.Scene.Options.InfrastructureRestarts;
        var evicted = losses.Count(static l => l.Evicted);
        var reason = evicted > 0 ? "MPIJobEvicted" : losses.IsEmpty ? "LauncherLost" : "WorkerLost";
        var message = evicted > 0 ? $"{evicted}/{draft.Run.Workers.Count} workers are evicted: {what}" : what;
        if (draft.Attempt.Losses >= limit)
        {
            draft.Outcome = new RunOutcome.Failed(reason, Texts.Truncate($"{message}; already restarted {limit} times for lost pods"));
            return;
        }

        Begin(draft, draft.Attempt with { Failures = draft.Attempt.Failures + LauncherFailuresBefore(draft), Losses = draft.Attempt.Losses + 1, NotBefore = null }, reason, message);
    }

    /// <summary>A restart that counts against backoffLimit.</summary>
    public static void ForOwnFailure(Draft draft, string what, string reason = "WorkerFailed")
    {
        var failures = draft.Attempt.Failures + LauncherFailuresBefore(draft) + 1;
        var limit = Budget.BackoffLimit(draft);
        if (failures > limit)
        {
            draft.Outcome = new RunOutcome.Failed("BackoffLimitExceeded", Texts.Truncate($"{what}; no retries left (backoffLimit {limit})"));
            return;
        }

        Begin(draft, draft.Attempt with { Failures = failures, NotBefore = OneJob.Is(draft) ? draft.Scene.Now + OneJob.BackoffAfter(failures) : null }, reason, what);
    }

    private static void Begin(Draft draft, AttemptRecord spent, string reason, string what)
    {
        var launcher = draft.Scene.Launcher;
        var active = spent.ActiveSeconds + ActiveSeconds(draft, launcher);
        // The attempt then stays as it is: what is left of its launcher is the end's to clean up, and replaced by nothing.
        if (Budget.IsDeadlineSpent(draft, active))
        {
            draft.Outcome = new RunOutcome.Failed("DeadlineExceeded", "Job was active longer than specified deadline");
            return;
        }

        draft.Attempt = spent with
        {
            Number = spent.Number + 1,
            LauncherUid = null,
            Clearing = true,
            Replaces = launcher?.Meta.Uid,
            ActiveSeconds = active,
        };
        draft.Restarting = new RunRemark(reason, Texts.Truncate(what));
        draft.StatusFirst = true;
        var wait = draft.Attempt.NotBefore is { } due ? $" in {(due - draft.Scene.Now).TotalSeconds:0} s" : "";
        draft.Say(PlanEvent.Warning(reason, Texts.Truncate($"{what}; starting attempt {draft.Attempt.Number}{wait}")));
        if (launcher is { Meta.Deleting: false }) Clearing.DeleteLauncher(draft, launcher);
        draft.Workers.TakeAwayLost(draft);
    }

    private static long ActiveSeconds(Draft draft, LauncherView? launcher) =>
        launcher?.StartTime is { } start ? Math.Max(0, (long)((launcher.End?.At ?? draft.Scene.Now) - start).TotalSeconds) : 0;

    /// <summary>
    /// Failures of the launcher in this attempt, pods of the Job and containers that the kubelet restarted in place, before the one that is
    /// the loss itself: mpirun dies when a worker does.
    /// </summary>
    private static int LauncherFailuresBefore(Draft draft) => OneJob.Is(draft) ? 0 : Math.Max(
        0, (draft.Scene.Launcher?.Failed ?? 0) + draft.Scene.LauncherPods.Where(static p => p.Phase != PodPhase.Failed).Sum(static p => p.Restarts) - 1);

    private static string Name(Draft draft, ImmutableArray<WorkerLoss> losses)
    {
        const int named = 3;
        var text = string.Join("; ", losses.Take(named).Select(static l => l.What));
        return losses.Length <= named ? text : $"{text}; and {losses.Length - named} more of {draft.Run.Workers.Count} workers";
    }
}
