using Kube.Types;
using Mpi.Model;

namespace Mpi.Testing;

/// <summary>After a job's end, however it came, no launcher lives, and of the workers those stay that the policy lets stay.</summary>
internal sealed class EndsAreCleanedUp : Checker
{
    public override void Rested(ClusterView view)
    {
        foreach (var job in view.Jobs.Where(static j => j.IsOver))
        {
            if (job.Launchers.FirstOrDefault(static p => p.IsLive) is { } launcher) throw Broken($"{job} is over and launcher {launcher} lives");
            if (job.Recorded.Counts.Workers != ReplicaCount.None) throw Broken($"{job} is over and still counts workers");
            if (job.Run is not { } run) continue;
            var rest = job.Workers.Where(w => run.Cleanup == CleanPodPolicy.All && run.Workers.Form != WorkerForm.JobIndexes || run.Cleanup == CleanPodPolicy.Running && w.IsLive || run.Workers.Form == WorkerForm.JobIndexes && w.IsLive).ToList();
            if (rest.Count > 0) throw Broken($"{job} is over, its cleanPodPolicy is {run.Cleanup}, and {string.Join(", ", rest.Select(static w => $"{w} ({w.Pod.Phase})"))} stayed");
        }
    }
}
