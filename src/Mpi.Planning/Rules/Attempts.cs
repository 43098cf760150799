using System.Collections.Immutable;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>What has become of the current attempt since the last pass: it ended, its launcher vanished, workers were lost, or it goes on.</summary>
internal static class Attempts
{
    private const int ConfirmAtOnce = 8;

    /// <summary>
    /// Objects whose absence or state would decide something final and that no fresh answer has confirmed yet; empty when
    /// there is nothing to doubt.
    /// </summary>
    public static ImmutableArray<ObjectToConfirm> ToConfirm(Draft draft)
    {
        var scene = draft.Scene;
        var doubts = ImmutableArray.CreateBuilder<ObjectToConfirm>();
        var launcher = new ObjectToConfirm(Kinds.Job, scene.Key(scene.Profile.Launcher));
        if (LauncherVanished(draft) || (OneJob.IsOverdue(draft) && !scene.Seen.ConfirmedPresent.Contains(launcher))) doubts.Add(launcher);
        if (JudgesWorkers(draft))
        {
            foreach (var index in draft.Members.TakeWhile(_ => doubts.Count < ConfirmAtOnce))
            {
                if (WorkerLoss.IsMissing(draft, index)) doubts.Add(new ObjectToConfirm(Kinds.Pod, scene.Key(scene.Profile.Worker(index))));
            }

            // Nothing final, and so asked only where nothing else is.
            if (doubts.Count == 0 && draft.Workers.Overdue(draft) is { } overdue) doubts.Add(new ObjectToConfirm(Kinds.Pod, scene.Key(scene.Profile.Worker(overdue))));
        }

        // One confirmed absence is enough to decide by; the others are in no doubt that matters.
        return doubts.Any(d => scene.Seen.ConfirmedAbsent.Contains(d)) ? [] : doubts.ToImmutable();
    }

    public static void Judge(Draft draft)
    {
        var scene = draft.Scene;
        if (scene.Launcher is { } launcher && draft.Attempt.LauncherUid != launcher.Meta.Uid && !draft.Attempt.Clearing)
        {
            draft.Attempt = draft.Attempt with { LauncherUid = launcher.Meta.Uid };
        }

        if (OneJob.Is(draft) && scene.Launcher is { } shared && OneJob.JudgeSuccess(draft, shared)) return;
        if (scene.Launcher?.End is { } end) JudgeEnd(draft, end);
        else if (LauncherVanished(draft)) JudgeVanished(draft);
        else if (JudgesWorkers(draft)) JudgeWorkers(draft);
        else if (IsUnderWay(draft) && Suspension.IsLeft(draft)) JudgeSuccessors(draft);
    }

    private static void JudgeEnd(Draft draft, JobEnd end)
    {
        if (end.Succeeded)
        {
            draft.Outcome = new RunOutcome.Succeeded();
            return;
        }

        if (end.Reason != "DeadlineExceeded" && JudgesWorkers(draft) && RestartsGang(draft))
        {
            // The launcher's own agent names the workers that it died of.
            var reported = ReportedLoss.Find(draft, out var tooEarly);
            if (!reported.IsEmpty) GangRestart.Decide(draft, reported);
            if (tooEarly || !reported.IsEmpty) return;
        }

        // mpirun dies with a worker, and may spend the last retry before the loss itself is seen: that is no failure of the user's.
        if (end.Reason != "DeadlineExceeded" && !draft.Run.Suspended && draft.Attempt.Losses < draft.Scene.Options.InfrastructureRestarts)
        {
            var lost = WorkerLoss.Find(draft).Where(static l => l.Infrastructure).ToImmutableArray();
            if (!lost.IsEmpty)
            {
                GangRestart.Decide(draft, lost);
                return;
            }

            if (draft.Scene.LauncherPods.LastOrDefault(static p => p.Phase == PodPhase.Failed) is { } pod && WorkerLoss.IsInfrastructure(pod))
            {
                GangRestart.ForInfrastructure(draft, [], $"launcher pod {pod.Meta.Name} was lost ({(pod.Reason.Length > 0 ? pod.Reason : pod.Disruption)})");
                return;
            }
        }

        if (OneJob.Is(draft) && end.Reason != "DeadlineExceeded" && !draft.Run.Suspended) OneJob.JudgeFailure(draft, end);
        else draft.Outcome = LauncherFailure.Describe(draft.Scene, end);
    }

    /// <summary>A launcher Job that was seen and is gone without a result: whether its work was done, nobody can tell.</summary>
    private static void JudgeVanished(Draft draft)
    {
        var what = $"launcher Job {draft.Scene.Profile.Launcher} was deleted before its result was recorded";
        if (draft.Run.Suspended || draft.Scene.Recorded.Suspended == true)
        {
            // Nothing ran, and what had run was stopped: the Job is just made again.
            draft.Attempt = draft.Attempt with { LauncherUid = null };
            draft.StatusFirst = true;
        }
        else if (draft.Scene.Options.OnLauncherDeleted == LauncherLossPolicy.Retry)
        {
            GangRestart.ForOwnFailure(draft, what, "LauncherDeleted");
        }
        else
        {
            draft.Outcome = new RunOutcome.Failed("LauncherDeleted", what);
        }
    }

    private static void JudgeWorkers(Draft draft)
    {
        if (draft.Workers.Hopeless(draft) is { } end)
        {
            draft.Outcome = end;
            return;
        }

        var losses = WorkerLoss.Find(draft);
        if (!RestartsGang(draft))
        {
            // An elastic program goes on without a worker that ends; the gate that it waits at does not.
            var early = draft.Scene is { LauncherStarted: true, LauncherWaits: false } ? [] : losses.Where(static l => !l.Infrastructure).ToImmutableArray();
            if (!early.IsEmpty) GangRestart.Decide(draft, early);
            else if (!losses.IsEmpty) draft.Workers.Replace(draft);
            return;
        }

        if (losses.IsEmpty) losses = ReportedLoss.Find(draft, out _);
        if (!losses.IsEmpty) GangRestart.Decide(draft, losses);
    }

    /// <summary>The launcher is not resumed yet: of those that were made for it only one that has ended is lost, and would be waited for without end.</summary>
    private static void JudgeSuccessors(Draft draft)
    {
        var ended = draft.Scene.Workers.Where(w => w.IsOver && Suspension.IsSuccessor(draft, w)).Select(static w => w.Meta.Name).ToHashSet(StringComparer.Ordinal);
        var losses = WorkerLoss.Find(draft).Where(l => ended.Contains(l.Pod)).ToImmutableArray();
        if (!losses.IsEmpty) GangRestart.Decide(draft, losses);
    }

    private static bool RestartsGang(Draft draft) => draft.Run.Retry.OnWorkerLoss == WorkerLossPolicy.RestartGang;

    private static bool LauncherVanished(Draft draft) =>
        draft.Attempt is { LauncherUid: not null, Clearing: false } && draft.Scene.Launcher is null && draft.Scene.Seen.Launcher is null;

    /// <summary>A suspended run has no workers to lose, and between attempts they are expected to go.</summary>
    private static bool IsUnderWay(Draft draft) => draft is { Run.Suspended: false, Attempt.Clearing: false } && draft.Scene.Recorded is { Announced: true, Suspended: not true };

    private static bool JudgesWorkers(Draft draft) =>
        IsUnderWay(draft) && draft.Scene.Launcher is not { Suspended: true }
        && !(OneJob.Is(draft) && draft.Scene.Launcher is null or { Meta.Deleting: true });
}
