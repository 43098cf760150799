using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// When the attempt's start reached each step, from what the pods' status says. Before the launch a worker may still be replaced, so what
/// is seen now counts; afterwards the start is over, and what was recorded stands. So an operator that was away finds the same times.
/// </summary>
internal static class StartTimes
{
    public static RunTimeline Of(Draft draft)
    {
        var recorded = draft.Scene.Recorded;
        if (recorded.Outcome is not null) return recorded.Timeline;
        // What is there now belongs to the attempt before, or is on its way out.
        if (draft.Run.Suspended || draft.Restarting is not null || draft.Attempt.Clearing) return RunTimeline.Empty;

        var begunAnew = recorded.Suspended == true || recorded.Attempt is not { Clearing: false } attempt || attempt.Number != draft.Attempt.Number;
        var known = begunAnew ? RunTimeline.Empty : recorded.Timeline;
        var seen = Seen(draft);
        return known.Launched is null ? seen.Or(known) : known.Or(seen);
    }

    private static RunTimeline Seen(Draft draft)
    {
        var scene = draft.Scene;
        return new RunTimeline
        {
            Created = LastOfWorkers(draft, static pod => pod.Meta.CreationTimestamp),
            Scheduled = LastOfWorkers(draft, static pod => pod.ScheduledAt),
            Running = LastOfWorkers(draft, static pod => pod.Phase is PodPhase.Succeeded or PodPhase.Failed ? pod.End?.StartedAt : pod.StartedAt),
            Reachable = scene.LauncherPods.LastOrDefault(static p => p.GateMessage is not null) is { } pod && AgentReport.TryRead(pod.GateMessage)?.Gate is { Opened: GateOpening.Proven } ? pod.GateEndedAt : null,
            Launched = scene.LauncherPods.Min(static p => p.End?.StartedAt ?? p.StartedAt),
        };
    }

    /// <summary>Null as long as one of the wanted workers has not come so far, or there are none.</summary>
    private static DateTimeOffset? LastOfWorkers(Draft draft, Func<PodView, DateTimeOffset?> when)
    {
        DateTimeOffset? last = null;
        foreach (var index in draft.Members)
        {
            if (draft.Scene.Worker(index) is not { Meta.Deleting: false } worker || when(worker) is not { } at) return null;
            if (last is null || at > last) last = at;
        }

        return last;
    }
}
