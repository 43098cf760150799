using Kube.Types;

namespace Mpi.Testing;

/// <summary>The operator takes no running worker away from a job that goes on and still wants it.</summary>
internal sealed class HealthyWorkersStay : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (change.Kind != Kinds.Pod || !change.IsOperators || change.Before is not { Meta.DeletionTimestamp: null } before || change.After is { Meta.DeletionTimestamp: null }) return;
        if (before.Root.Text("status", "phase") != "Running" || view.JobOf(before) is not { } job || job.PartOf(before) is not { Worker: { } index }) return;
        // By what the operator has seen last the job may have fewer workers, or be suspended.
        if (job.IsGone || job.IsOver || index >= job.FewestWantedWithin(Lag, view.Now)) return;
        throw Broken($"{before} runs, {job} goes on with it, and the operator took it away");
    }
}
