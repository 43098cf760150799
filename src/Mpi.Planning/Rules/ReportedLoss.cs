using System.Collections.Immutable;
using Mpi.Agent.Protocol;

namespace Mpi.Planning;

/// <summary>
/// Workers that the launcher's agent has lost, as its container's termination message tells, joined with what their pods tell: whose doing
/// it was. The launcher died of them, so it has not failed by itself; and a pod that is still there needs no successor.
/// </summary>
internal static class ReportedLoss
{
    /// <summary>How long after the launcher's end a worker's pod may take to say what has become of its container.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Times come from the nodes' clocks. One that is further ahead is not waited for.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(1);

    /// <param name="tooEarly">There are some, and their pods may say more in a moment; the draft then looks again.</param>
    public static ImmutableArray<WorkerLoss> Find(Draft draft, out bool tooEarly)
    {
        tooEarly = false;
        if (End(draft.Scene) is not var (launcher, reported)) return [];
        var ofPods = WorkerLoss.Find(draft);
        var (explained, silent) = (ImmutableArray.CreateBuilder<WorkerLoss>(), ImmutableArray.CreateBuilder<WorkerLoss>());
        foreach (var (host, reason) in reported)
        {
            // One that a smaller job no longer has.
            if (draft.Scene.Profile.WorkerIndex(host) is not { } index || index >= draft.Run.Workers.Count) continue;
            var pod = draft.Scene.Worker(index);
            if ((ofPods.FirstOrDefault(l => l.Pod == (pod?.Meta.Name ?? host)) ?? OfContainer(pod, reason, launcher)) is { } loss) explained.Add(loss);
            else silent.Add(new WorkerLoss(host, Infrastructure: true, Evicted: false, $"worker {host} was lost ({reason}), and its pod has not ended"));
        }

        // What is cut off beside a worker that failed is most likely its doing.
        if (explained.Count > 0) return explained.ToImmutable();
        tooEarly = silent.Count > 0 && MaySayMore(draft, launcher);
        return tooEarly ? [] : silent.ToImmutable();
    }

    /// <summary>The launcher's last failure, where its agent has lost workers before it.</summary>
    private static (ContainerEnd End, ImmutableArray<LostWorker> Lost)? End(Scene scene)
    {
        foreach (var pod in scene.LauncherPods.Reverse().Append(scene.Seen.LauncherFailure))
        {
            if (pod is { HasFailed: true, End: { } end } && AgentReport.TryRead(end.Message)?.Launcher is { Lost: { IsEmpty: false } lost }) return (end, lost);
        }

        return null;
    }

    /// <summary>
    /// A container that ended by itself while the launcher ran; the pod may have started it again since. One that ended well was told by the launcher that
    /// all is over, and one that was told to go has not gone by itself: both came after the loss.
    /// </summary>
    private static WorkerLoss? OfContainer(PodView? pod, string reason, ContainerEnd launcher) => pod?.End is { ExitCode: not 0 } end && end.FinishedAt >= launcher.StartedAt && !WorkerLoss.DiedOfDeletion(pod)
        ? WorkerLoss.OfContainer(pod.Meta.Name, $"worker {pod.Meta.Name} was lost ({reason}):", end)
        : null;

    private static bool MaySayMore(Draft draft, ContainerEnd launcher)
    {
        if (launcher.FinishedAt is not { } ended || ended > draft.Scene.Now + ClockSkew || draft.Scene.Now >= ended + Patience) return false;
        draft.Revisit(ended + Patience);
        return true;
    }
}
