using Kube.Types;
using Mpi.Model;
using Mpi.Planning;

namespace Mpi.Testing;

/// <summary>After a job's end, however it came, no launcher lives, and of the workers those stay that the policy lets stay.</summary>
internal sealed class EndsAreCleanedUp(PlanningOptions options) : Checker
{
    private readonly Dictionary<string, DateTimeOffset> _finished = new(StringComparer.Ordinal);

    public override void Changed(Change change, ClusterView view)
    {
        if (change.Kind != Kinds.Pod) return;
        if (change.After?.Root.Text("status", "phase") is "Succeeded" or "Failed") _finished.TryAdd(change.Object.Meta.Uid, view.Now);
        if (!change.IsOperators || change.Before is not { Meta.DeletionTimestamp: null } before || change.After is { Meta.DeletionTimestamp: null }) return;
        if (view.JobOf(before) is not { IsOver: true, IsGone: false, Run: { } run } job || job.PartOf(before) is not { Worker: { } index } || index >= job.FewestWantedWithin(Lag, view.Now)) return;
        var stays = run.Cleanup switch
        {
            CleanPodPolicy.All => false,
            CleanPodPolicy.None when !options.ReleaseFinishedWorkers => true,
            // By what the operator has seen last one that has just finished may still run.
            _ => _finished.TryGetValue(before.Meta.Uid, out var at) && view.Now - at >= Lag,
        };
        if (stays) throw Broken($"{before} was taken away after the end of {job}, whose cleanPodPolicy is {run.Cleanup}");
    }

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
