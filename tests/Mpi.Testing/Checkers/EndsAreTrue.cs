using Kube.Types;
using Mpi.Model;

namespace Mpi.Testing;

/// <summary>A job has succeeded only if a launcher of it has.</summary>
internal sealed class EndsAreTrue : Checker
{
    private readonly HashSet<string> _succeeded = new(StringComparer.Ordinal);

    public override void Changed(Change change, ClusterView view)
    {
        if (change.After is not { } after || view.JobOf(after) is not { } job) return;
        if (change.Kind == Kinds.Pod && after.Root.Text("status", "phase") == "Succeeded" && job.PartOf(after) is { IsLauncher: true }) _succeeded.Add(job.Uid);
        if (view.IsJob(change.Kind) && job.Recorded.Outcome is RunOutcome.Succeeded && !_succeeded.Contains(job.Uid)) throw Broken($"{job} is said to have succeeded, and no launcher of it has");
    }
}
