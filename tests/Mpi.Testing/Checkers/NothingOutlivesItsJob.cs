namespace Mpi.Testing;

/// <summary>What belonged to a job that was deleted goes with it.</summary>
internal sealed class NothingOutlivesItsJob : Checker
{
    public override void Rested(ClusterView view)
    {
        if (view.Objects.FirstOrDefault(o => view.JobOf(o) is { IsGone: true }) is { } orphan) throw Broken($"{orphan} has outlived {view.JobOf(orphan)}");
    }
}
