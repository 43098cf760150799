using Kube.Types;
using Mpi.Model;
using PodView = Kube.Types.PodView;

namespace Mpi.Testing;

/// <summary>
/// With the spec fixed and the faults over, a job ends, or everybody can see what it waits for: it is suspended, invalid or blocked, or one of its
/// pods cannot start. One that goes on has every worker it asks for, and no other.
/// </summary>
public sealed class EveryJobComesToRest : Checker
{
    public override void Rested(ClusterView view)
    {
        foreach (var job in view.Jobs)
        {
            if (Unrest(job) is { } why) throw Broken($"{job} {why}");
        }
    }

    /// <summary>Why a job has not come as far as it can; null when it has.</summary>
    public static string? Unrest(JobView job)
    {
        if (job.Object.Meta.DeletionTimestamp is not null) return "is being deleted and does not go";
        if (job.IsOver || job.IsElsewhere) return null;
        if (job.IsInvalid) return job.Recorded.Invalid is null ? "has an invalid spec and says nothing" : null;
        if (job.Recorded.Invalid is { } settled) return $"is valid and still says that it is not: {settled.Message}";
        var run = job.Run!;
        if (run.Suspended) return job.Recorded is { Suspended: true, Blocked: null } or { Blocked: not null } && !job.Launchers.Concat(job.Workers).Any(static p => p.IsLive) ? null : "is not suspended yet";
        // A gang that is not scheduled yet is on its way, unless one of its pods says that there is no node.
        if (job.Recorded.Blocked is { Reason: not "GangWaiting" }) return null;
        var stuck = job.Launchers.Concat(job.Workers).Any(static p => IsStuck(p.Pod));
        if (!stuck) return $"neither ends nor says what it waits for (workers: {string.Join(", ", job.Workers.Select(static w => $"{w} {w.Pod.Phase}"))}; launchers: {string.Join(", ", job.Launchers.Select(static w => $"{w} {w.Pod.Phase}"))})";
        var missing = Enumerable.Range(0, run.Workers.Count).Except(job.Workers.Where(static w => !w.Pod.IsTerminating).Select(static w => w.Worker!.Value)).ToList();
        return missing.Count > 0 && run.Workers.Form == WorkerForm.Pods ? $"lacks workers {string.Join(", ", missing)}" : null;
    }

    /// <summary>Its image is not there, or there is no node for it.</summary>
    private static bool IsStuck(PodView pod) =>
        pod.Phase == "Pending" && (pod.Status.Items("conditions").Any(static c => c.Text("type") == "PodScheduled" && c.Text("reason") == "Unschedulable")
            || pod.Status.Items("containerStatuses").Concat(pod.Status.Items("initContainerStatuses")).Any(static c => c.Text("state", "waiting", "reason") is "ImagePullBackOff" or "ErrImagePull"));
}
