using Kube.Types;
using Mpi.Model;

namespace Mpi.Testing;

/// <summary>A suspended job comes to have no pods and says that none is active, its launcher's Job stands still, and that it is suspended stands in it.</summary>
internal sealed class SuspensionReachesZero : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (!change.IsOperators || view.JobOf(change.Object) is not { Run: { Suspended: true } run } job) return;
        if (view.IsJob(change.Kind)) CheckWord(job, run);
        else if (change.Before is null && (view.Now - job.EditedAt >= Lag || job.Object.Meta.Generation <= 1) && (change.Kind == Kinds.Pod || IsGoing(change.After))) throw Broken($"{job} is suspended and the operator made {change.Object}");
    }

    /// <summary>The word is given last: when everything that is to go is on its way.</summary>
    private void CheckWord(JobView job, MpiRun run)
    {
        if (job.IsOver || job.Recorded.Suspended != true) return;
        if (IsGoing(job.LauncherJob)) throw Broken($"{job} says that it is suspended and {job.LauncherJob} is not");
        if (run.Workers.Form == WorkerForm.Pods && job.Workers.FirstOrDefault(static w => w.Pod.IsActive) is { } worker) throw Broken($"{job} says that it is suspended and {worker} goes on");
    }

    public override void Rested(ClusterView view)
    {
        foreach (var job in view.Jobs.Where(static j => j is { Run.Suspended: true, IsOver: false }))
        {
            if (job.Launchers.Concat(job.Workers).FirstOrDefault(p => p.IsLive || job.Run!.Workers.Form == WorkerForm.Pods && !p.IsLauncher) is { } pod) throw Broken($"{job} is suspended and has pod {pod} ({pod.Pod.Phase})");
            if (job.Recorded.Suspended != true && job.Recorded.Blocked is null) throw Broken($"{job} is suspended and does not say so");
            if (job.Recorded.Counts is { Workers.Active: > 0 } or { Launcher.Active: > 0 }) throw Broken($"{job} is suspended and tells of active pods");
            if (IsGoing(job.LauncherJob)) throw Broken($"{job} is suspended and {job.LauncherJob} is not");
        }
    }

    private static bool IsGoing(KubeObject? launcher) => launcher is { Kind: "Job", Meta.DeletionTimestamp: null } && launcher.Root.Flag("spec", "suspend") != true
        && !Conditions.IsTrue(launcher.Root.At("status"), "Complete") && !Conditions.IsTrue(launcher.Root.At("status"), "Failed");
}
