using Kube.Types;

namespace Mpi.Testing;

/// <summary>
/// While a job's spec is invalid nothing of it is made, changed or taken away; it says why, and ends as ever when what runs ends. Of a job
/// that is another controller's the operator writes not even the status.
/// </summary>
internal sealed class InvalidSpecsTouchNothing : Checker
{
    public override void Changed(Change change, ClusterView view)
    {
        if (!change.IsOperators || view.JobOf(change.Object) is not { IsGone: false } job) return;
        var knows = view.Now - job.EditedAt >= Lag;
        if (job.IsElsewhere && (knows || job.Object.Meta.Generation <= 1)) throw Broken($"the operator touched {change.Object} though {job} is another controller's");
        // Once it has said so it knows.
        if (job.IsInvalid && !view.IsJob(change.Kind) && (knows || job.Recorded.Invalid is not null)) throw Broken($"the operator touched {change.Object} while the spec of {job} is invalid");
    }

    public override void Rested(ClusterView view)
    {
        foreach (var job in view.Jobs.Where(static j => j is { IsInvalid: true, IsOver: false }))
        {
            if (job.Recorded.Invalid is not { Message.Length: > 0 }) throw Broken($"{job} is invalid and does not say so");
        }
    }
}
