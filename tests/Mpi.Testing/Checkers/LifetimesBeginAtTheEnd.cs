using Kube.Types;
using Mpi.Planning;

namespace Mpi.Testing;

/// <summary>
/// A launcher's Job is given its time to live when the result stands, and not before: one that went with its result untold would be run
/// again. When the time is over it goes.
/// </summary>
internal sealed class LifetimesBeginAtTheEnd : Checker
{
    /// <summary>Who takes it away may be a little late.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMinutes(1);

    public override void Changed(Change change, ClusterView view)
    {
        if (change.Kind != Kinds.Job || change.After is not { } launcher || view.JobOf(launcher) is not { IsOver: false } job) return;
        // Under strict compatibility it begins at once, as it ever did.
        if (launcher.Root.Has("spec", "ttlSecondsAfterFinished") && launcher.Meta.Annotations.ContainsKey(PlanningNames.Attempt)) throw Broken($"{launcher} has a time to live before the end of {job}");
    }

    public override void Rested(ClusterView view)
    {
        foreach (var job in view.Jobs)
        {
            if (job is { Run.TtlSecondsAfterFinished: { } ttl, Recorded.CompletionTime: { } end, LauncherJob: { } launcher } && view.Now > end + TimeSpan.FromSeconds(ttl) + Moment) throw Broken($"{launcher} has outlived its time, {ttl} s");
        }
    }
}
