using Kube.Types;

namespace Mpi.Testing;

/// <summary>
/// The operator makes and changes children of jobs, writes the status of jobs, and touches nothing else, whatever it is called and however
/// it is labelled. Never does it edit what a user asked for.
/// </summary>
internal sealed class OnlyItsOwn : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (!change.IsOperators || change.Kind == Kinds.Lease || change.Kind == Kinds.Event) return;
        if (view.IsJob(change.Kind))
        {
            if (change.Before is null) throw Broken($"the operator made {change.After}");
            if (change.After is { } after && after.Meta.Generation != change.Before.Meta.Generation && after.Meta.DeletionTimestamp is null) throw Broken($"the operator changed the spec of {after}");
        }
        else if (change.Before is { } before)
        {
            if (view.JobOf(before) is null) throw Broken($"the operator touched {before}, which no job owns");
        }
        else if (change.After!.Meta.Controller is null)
        {
            throw Broken($"the operator made {change.After}, which nobody owns");
        }
    }
}
