using Kube.Types;
using Mpi.Model;
using Mpi.Planning;

namespace Mpi.Testing;

/// <summary>A gated launcher's command never starts before every worker runs. Only the moment of the start counts: workers may be lost later.</summary>
internal sealed class GateHolds : Checker
{
    /// <summary>From a gate's opening until the start is told.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(10);

    public override void Changed(Change change, ClusterView view)
    {
        if (change.Kind != Kinds.Pod || change.After is not { } pod || HasStarted(change.Before) || !HasStarted(pod)) return;
        if (view.JobOf(pod) is not { } job || job.PartOf(pod) is not { IsLauncher: true } || !HasGate(pod)) return;
        // The attempt has as many workers as it was given; an edit that arrives meanwhile is the next one's.
        if (view.Now - job.EditedAt < Lag && job.Object.Meta.Generation > 1) return;
        if (!job.WasCompleteWithin(Moment, view.Now)) throw Broken($"the command of {pod} started before all workers of {job} ran");
    }

    private static bool HasGate(KubeObject pod) => pod.Root.Items("spec", "initContainers").Any(static c => c.Text("name") == PlanningNames.GateContainer);

    private static bool HasStarted(KubeObject? pod) => pod is not null
        && pod.Root.Items("status", "containerStatuses").Any(static c => c.Has("state", "running") || c.Has("state", "terminated") || c.Has("lastState", "terminated"));
}
