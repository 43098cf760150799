using Mpi.Model;

namespace Mpi.Planning;

/// <summary>What is true of a run after a draft's actions, from what was observed (spec 3.3, 3.4).</summary>
internal static class RunReporting
{
    public static RunReport Of(Draft draft)
    {
        var (scene, run, recorded) = (draft.Scene, draft.Run, draft.Scene.Recorded);
        var (counts, presence) = Counts(draft);
        var running = IsRunning(draft);
        return new RunReport
        {
            State = State(draft, running),
            ObservedGeneration = scene.Seen.Job.Meta.Generation,
            // After the end nothing is suspended or resumed any more.
            Suspended = draft.Outcome is null && recorded.Outcome is null ? run.Suspended : null,
            Running = running,
            Restarting = draft.Restarting,
            Outcome = recorded.Outcome ?? draft.Outcome,
            StartTime = StartTime(draft),
            CompletionTime = CompletionTime(draft),
            Counts = counts,
            Presence = presence,
            Timeline = StartTimes.Of(draft),
            Attempt = draft.Attempt,
            LauncherPod = scene.LauncherPods.LastOrDefault()?.Meta.Name,
            LauncherJob = scene.Launcher is { } job ? new JobCounters(job.Active, job.Succeeded, job.Failed, job.StartTime, job.CompletionTime) : null,
            Gang = scene.Seen.GangObjects.LastOrDefault(g => scene.Owns(g.Meta))?.State,
            SpecChanged = draft.SpecChanged,
            WorkerCount = run.Workers.Count,
            FrozenSpec = run.FrozenSpec,
            LeftOut = draft.LeftOut,
            // A predecessor's status that says nothing means ssh, and is not written for that alone.
            Transport = recorded is { Announced: true, Transport: null } && draft.Uses(Transport.Ssh) ? null : run.Transport,
            WorkerSelector = string.Join(',', scene.Profile.WorkerLabels.Select(static l => $"{l.Key}={l.Value}")),
            Blocked = draft.Blocked,
            ReadOtherwise = run.Warnings.IsEmpty ? null : new RunRemark("ManifestWarning", Texts.Truncate(string.Join("; ", run.Warnings.Select(static w => $"{w.Path} {w.Message}")))),
            GateBypassed = GateBypass.Read(scene),
        };
    }

    /// <summary>The launcher's command runs, and so do all workers.</summary>
    private static bool IsRunning(Draft draft)
    {
        if (draft.Run.Suspended || draft.Outcome is not null || draft.Restarting is not null || draft.Scene.Recorded.Outcome is not null) return false;
        return draft.Scene.LauncherPods.Any(static p => p.Phase == PodPhase.Running)
            && draft.Members.All(i => draft.Scene.Worker(i) is { Phase: PodPhase.Running });
    }

    private static (RunCounts Counts, WorkerPresence Presence) Counts(Draft draft)
    {
        var scene = draft.Scene;
        var ended = draft.Outcome is not null || scene.Recorded.Outcome is not null;
        var makesLauncher = draft.Actions.Any(static a => a is PlanAction.Create { Kind.Kind: "Job" });
        var launcher = scene.Launcher is { } job
            ? new ReplicaCount(
                // A launcher that ended, or that this plan takes away, has no active pods worth telling.
                ended || job.End is not null || draft.Attempt.Clearing ? 0 : scene.LauncherPods.Count(static p => p.Phase == PodPhase.Running),
                job.End is { Succeeded: true } ? 1 : 0,
                scene.LauncherFailures)
            : makesLauncher ? ReplicaCount.None
            // A replaced or deleted launcher has no active pods; what it achieved stays.
            : scene.Recorded.Counts.Launcher is { } before ? before with { Active = 0 } : null;

        var (active, succeeded, failed, ready, there) = (0, 0, 0, 0, 0);
        foreach (var worker in scene.Workers)
        {
            if (worker.Meta.Deleting || draft.Deletes(worker)) continue;
            there++;
            if (worker.Phase == PodPhase.Running) active++;
            if (worker.Phase == PodPhase.Succeeded) succeeded++;
            if (worker.Phase == PodPhase.Failed) failed++;
            if (worker is { Phase: PodPhase.Running, Ready: true }) ready++;
        }

        // After the end the workers are the clean-up's, whatever they do (spec 3.3).
        var counts = ended ? new RunCounts(launcher, ReplicaCount.None, 0) : new RunCounts(launcher, new ReplicaCount(active, succeeded, failed), ready);
        return (counts, new WorkerPresence(there, ready));
    }

    private static RunState State(Draft draft, bool running)
    {
        var recorded = draft.Scene.Recorded;
        return (recorded.Outcome ?? draft.Outcome) switch
        {
            RunOutcome.Succeeded => RunState.Succeeded,
            RunOutcome.Failed => RunState.Failed,
            _ when draft.Run.Suspended => RunState.Suspended,
            _ when draft.Blocked is not null => RunState.Blocked,
            _ when draft.Restarting is not null => RunState.Restarting,
            // Running stays said until suspension, restart or end, as its condition does.
            _ when running || recorded.HasRun => RunState.Running,
            _ when recorded.Restarting == true => RunState.Restarting,
            _ => RunState.Starting,
        };
    }

    /// <summary>First set when the run is not suspended, renewed on resume, kept while suspended (spec 3.4).</summary>
    private static DateTimeOffset? StartTime(Draft draft)
    {
        var recorded = draft.Scene.Recorded;
        if (draft.Run.Suspended || draft.Outcome is not null && recorded.StartTime is not null) return recorded.StartTime;
        return recorded.Suspended == true ? draft.Scene.Now : recorded.StartTime ?? draft.Scene.Now;
    }

    private static DateTimeOffset? CompletionTime(Draft draft) => draft.Scene.Recorded.CompletionTime ?? draft.Outcome switch
    {
        RunOutcome.Succeeded => draft.Scene.Launcher?.CompletionTime ?? draft.Scene.Now,
        RunOutcome.Failed => draft.Scene.Now,
        _ => null,
    };
}
