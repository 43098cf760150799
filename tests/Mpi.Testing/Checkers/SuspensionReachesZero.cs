using Kube.Types;
using Mpi.Model;

namespace Mpi.Testing;

/// <summary>A suspended job comes to have no pods and says that none is active, its launcher's Job stands still, and that it is suspended stands in it.</summary>
internal sealed class SuspensionReachesZero : Checker
{
    public override void Rested(ClusterView view)
    {
        foreach (var job in view.Jobs.Where(static j => j is { Run.Suspended: true, IsOver: false }))
        {
            if (job.Launchers.Concat(job.Workers).FirstOrDefault(p => p.IsLive || job.Run!.Workers.Form == WorkerForm.Pods && !p.IsLauncher) is { } pod) throw Broken($"{job} is suspended and has pod {pod} ({pod.Pod.Phase})");
            if (job.Recorded.Suspended != true && job.Recorded.Blocked is null) throw Broken($"{job} is suspended and does not say so");
            if (job.Recorded.Counts is { Workers.Active: > 0 } or { Launcher.Active: > 0 }) throw Broken($"{job} is suspended and tells of active pods");
            if (job.LauncherJob is { } launcher && launcher.Root.Flag("spec", "suspend") != true && !HasEnded(launcher)) throw Broken($"{job} is suspended and {launcher} is not");
        }
    }

    private static bool HasEnded(KubeObject launcher) => Conditions.IsTrue(launcher.Root.At("status"), "Complete") || Conditions.IsTrue(launcher.Root.At("status"), "Failed");
}
