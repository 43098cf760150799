using Kube.Types;
using Mpi.Model;
using Mpi.Planning;

namespace Mpi.Testing;

/// <summary>A gang's group is there before its pods, never asks for more pods than are made at once, and is there only as long as the job needs a place.</summary>
internal sealed class GangsFit : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (!IsGroup(change.Kind) || change.After is not { } group || !change.IsOperators || view.JobOf(group) is not { IsGone: false, Run: { } run } job) return;
        if (change.Before is null && job.Launchers.Concat(job.Workers).FirstOrDefault(static p => p.Pod.IsActive) is { } early) throw Broken($"{early} was there before {group}, which it is to be a member of");
        if (view.Now - job.EditedAt < Lag && job.Object.Meta.Generation > 1) return;
        if (group.Root.Integer("spec", "minMember") is { } members && members > GangSize.PodsAtOnce(run)) throw Broken($"{group} asks for {members} pods and only {GangSize.PodsAtOnce(run)} are made at once");
    }

    public override void Rested(ClusterView view)
    {
        foreach (var group in view.Objects.Where(static o => o.Kind == "PodGroup"))
        {
            if (view.JobOf(group) is { IsGone: false, Run: { } run } job && (run.Suspended && !job.IsOver || job.IsOver && run.Cleanup != CleanPodPolicy.None)) throw Broken($"{group} still holds a place for {job}");
        }
    }

    private static bool IsGroup(ResourceKind kind) => kind.Kind == "PodGroup";
}
