using Kube.Types;

namespace Mpi.Testing;

/// <summary>Of one worker never two pods are there that are to stay.</summary>
internal sealed class OneWorkerAnIndex : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (change.Kind != Kinds.Pod || change.Before is not null || view.JobOf(change.After!) is not { } job || job.PartOf(change.After!) is not { Worker: { } index }) return;
        var same = job.Workers.Where(w => w.Worker == index && w.Pod.IsActive).ToList();
        if (same.Count > 1) throw Broken($"{job} has {same.Count} workers of index {index}: {string.Join(", ", same.Select(static w => $"{w} {w.Pod.Meta.Uid}"))}");
    }
}
