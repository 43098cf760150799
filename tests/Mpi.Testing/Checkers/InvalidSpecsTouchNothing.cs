using Kube.Types;

namespace Mpi.Testing;

/// <summary>While a job's spec is invalid nothing of it is made, changed or taken away; it says why, and ends as ever when what runs ends.</summary>
internal sealed class InvalidSpecsTouchNothing : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (!change.IsOperators || view.IsJob(change.Kind) || view.JobOf(change.Object) is not { IsInvalid: true, IsGone: false } job) return;
        // Once it has said so it knows.
        if (view.Now - job.EditedAt >= Lag || job.Recorded.Invalid is not null) throw Broken($"the operator touched {change.Object} while the spec of {job} is invalid");
    }

    public override void Rested(ClusterView view)
    {
        foreach (var job in view.Jobs.Where(static j => j is { IsInvalid: true, IsOver: false }))
        {
            if (job.Recorded.Invalid is not { Message.Length: > 0 }) throw Broken($"{job} is invalid and does not say so");
        }
    }
}
