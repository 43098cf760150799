using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// The end of a run. The result is recorded before anything is cleaned up after it, is final, and from then on only
/// clean-up happens: workers by policy, and the launcher Job's lifetime, which starts to count no sooner (spec 3.6).
/// </summary>
internal static class FinishedRun
{
    /// <summary>Records the outcome that the draft has found, and cleans up in the same plan.</summary>
    public static Plan Record(Draft draft)
    {
        draft.StatusFirst = true;
        CleanUp(draft);
        return RunStatus.Conclude(draft);
    }

    /// <summary>What is left to clean up of a run whose result stands.</summary>
    public static Plan Continue(Draft draft)
    {
        CleanUp(draft);
        // The status is final. Only counters that its writer left behind are settled: kubeflow's operator cleans up after the result.
        var recorded = draft.Scene.Recorded;
        Expire(draft);
        if (recorded.Counts.Workers != ReplicaCount.None) return RunStatus.Conclude(draft);
        return new Plan { Actions = [.. draft.Actions], RevisitAt = draft.RevisitAt };
    }

    /// <summary>The job's own lifetime. It is deleted only when its result has been there to be read for so long.</summary>
    private static void Expire(Draft draft)
    {
        var scene = draft.Scene;
        if (draft.Run.JobTtlSecondsAfterFinished is not { } ttl || scene.Recorded.CompletionTime is not { } end) return;
        var due = end + TimeSpan.FromSeconds(ttl);
        if (due > scene.Now) draft.Revisit(due);
        else draft.Do(new PlanAction.Delete(scene.Profile.JobKind, scene.Key(scene.Profile.Job.Name), scene.Uid, "its time to live is over", "Background"));
    }

    private static void CleanUp(Draft draft)
    {
        var (scene, run) = (draft.Scene, draft.Run);
        if (run.Cleanup != CleanPodPolicy.None) draft.Workers.Release(draft, alsoFinished: run.Cleanup == CleanPodPolicy.All, "the job is finished");
        else if (scene.Options.ReleaseFinishedWorkers) draft.Workers.Release(draft, alsoFinished: false, "the job is finished");
        if (run.Cleanup != CleanPodPolicy.None || scene.Options.ReleaseFinishedWorkers) GangGroup.Delete(draft);

        if (scene.Launcher is not { Meta.Deleting: false } launcher) return;
        if (launcher.End is null) StopLauncher(draft, launcher);
        else if (run.TtlSecondsAfterFinished is { } ttl && launcher.TtlSecondsAfterFinished != ttl)
        {
            draft.Do(new PlanAction.Patch(
                Kinds.Job, scene.Key(launcher.Meta.Name), ChildManifest.Patch(launcher.Meta, "spec", new JsonObject { ["ttlSecondsAfterFinished"] = ttl })));
        }
    }

    /// <summary>
    /// The run has failed though its launcher has not: for its workers' sake. The Job is suspended, which stops its pods and leaves
    /// what finished ones have to tell; a Job that never finishes is no one's to expire, so its lifetime is counted here.
    /// </summary>
    private static void StopLauncher(Draft draft, LauncherView launcher)
    {
        var scene = draft.Scene;
        if (!launcher.Suspended) Suspension.SuspendLauncher(draft, launcher);
        if (draft.Run.TtlSecondsAfterFinished is not { } ttl) return;
        var due = (scene.Recorded.CompletionTime ?? scene.Now) + TimeSpan.FromSeconds(ttl);
        if (due > scene.Now) draft.Revisit(due);
        else if (scene.Recorded.Outcome is not null) draft.Do(new PlanAction.Delete(Kinds.Job, scene.Key(launcher.Meta.Name), launcher.Meta.Uid, "its time to live is over", "Background"));
    }
}
