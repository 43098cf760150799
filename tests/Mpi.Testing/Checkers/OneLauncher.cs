using Kube.Types;

namespace Mpi.Testing;

/// <summary>Of one job never two launchers are alive, and of a job that is over none is born.</summary>
internal sealed class OneLauncher : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (change.Kind != Kinds.Pod || change.After is null || view.JobOf(change.After) is not { } job || job.PartOf(change.After) is not { IsLauncher: true }) return;
        var live = job.Launchers.Where(static p => p.IsLive).ToList();
        if (live.Count > 1) throw Broken($"{live.Count} launchers of {job} are alive: {string.Join(", ", live)}");
    }
}
