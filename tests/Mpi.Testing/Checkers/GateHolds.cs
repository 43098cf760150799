using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;
using Mpi.Planning;

namespace Mpi.Testing;

/// <summary>
/// A launcher's command never starts before every worker runs, unless its job wants or can have no gate. Only the moment of the start
/// counts: workers may be lost later. One that is to be made when its workers are ready, or run, is not made before.
/// </summary>
internal sealed class GateHolds(PlanningOptions options) : Checker
{
    /// <summary>From a gate's opening until the start is told.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(10);

    public override void Changed(Change change, ClusterView view)
    {
        if (change.After is not { } after || change.Kind != Kinds.Pod && change.Kind != Kinds.Job || view.JobOf(after) is not { Run: { } run } job) return;
        // The attempt has as many workers as it was given; an edit that arrives meanwhile is the next one's.
        if (view.Now - job.EditedAt < Lag && job.Object.Meta.Generation > 1) return;
        if (change.Kind == Kinds.Job) CheckLaunch(change, after, job, run, view.Now);
        else if (!HasStarted(change.Before) && HasStarted(after) && job.PartOf(after) is { IsLauncher: true } && Gate.Applies(run, options) && !job.WasCompleteWithin(Moment, view.Now) && !HasProofs(after, run)) throw Broken($"the command of {after} started before all workers of {job} ran");
    }

    /// <summary>Over the agent a proof ends with its connection; over ssh and exec each worker is proven once, and the gate's report says that all were.</summary>
    private static bool HasProofs(KubeObject launcher, MpiRun run)
    {
        if (run.Transport.Kind == Transport.Agent) return false;
        var message = launcher.Root.Items("status", "initContainerStatuses").FirstOrDefault(static c => c.Text("name") == PlanningNames.GateContainer).Text("state", "terminated", "message");
        return message is not null && AgentReport.TryRead(message)?.Gate is { Opened: GateOpening.Proven } gate && gate.Proven == gate.Total;
    }

    /// <summary>By what the operator has seen last the workers may still be there.</summary>
    private void CheckLaunch(Change change, KubeObject launcher, JobView job, MpiRun run, DateTimeOffset now)
    {
        if (launcher.Meta.Name != job.Profile.Launcher || launcher.Root.Flag("spec", "suspend") == true || change.Before is { } before && before.Root.Flag("spec", "suspend") != true) return;
        var waited = run.Launcher.Creation switch
        {
            LauncherCreation.WaitForWorkersReady => job.WasReadyWithin(Lag, now),
            LauncherCreation.WaitForWorkersRunning => job.WasCompleteWithin(Lag, now),
            _ => true,
        };
        if (!waited) throw Broken($"{launcher} was to wait for the workers of {job} and did not");
    }

    private static bool HasStarted(KubeObject? pod) => pod is not null
        && pod.Root.Items("status", "containerStatuses").Any(static c => c.Has("state", "running") || c.Has("state", "terminated") || c.Has("lastState", "terminated"));
}
