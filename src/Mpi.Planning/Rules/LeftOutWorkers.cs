using System.Collections.Immutable;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// Workers for which there is no node, in runs that do without them (spec/metacontroller-mpijob.md 6): decided before the launcher is made, from all that
/// the scheduler has said, and for good. Never all of them: MPI would run every rank in the launcher and say nothing.
/// </summary>
internal static class LeftOutWorkers
{
    private const int Named = 5;

    public static void Decide(Draft draft)
    {
        var (scene, workers) = (draft.Scene, draft.Run.Workers);
        if (workers.LeaveOutAfter is not { } grace || draft.Run.Suspended || scene.Launcher is not null) return;

        var waiting = draft.Members.Where(i => scene.Worker(i) is not { Phase: PodPhase.Running }).ToImmutableArray();
        if (waiting.IsEmpty || !waiting.All(i => scene.Worker(i) is { Phase: PodPhase.Pending, Unschedulable: true, Meta.Deleting: false })) return;
        if (waiting.Length == draft.Members.Count())
        {
            draft.Blocked ??= new RunRemark("NoWorkerScheduled", $"there is no node for any of the {waiting.Length} workers; the run starts with those that get one");
            return;
        }

        var due = draft.Members.Max(i => scene.Worker(i)?.StartedAt) + grace ?? scene.Now;
        if (due > scene.Now)
        {
            draft.Revisit(due);
            return;
        }

        var names = waiting.Select(scene.Profile.Worker).ToImmutableArray();
        draft.LeftOut = draft.LeftOut.AddRange(names);
        // Recorded before the list of hosts is made from it.
        draft.StatusFirst = true;
        var listed = string.Join(", ", names.Take(Named)) + (names.Length > Named ? $" and {names.Length - Named} more" : "");
        draft.Say(PlanEvent.Warning("WorkersLeftOut", Texts.Truncate(
            $"there is no node for {listed}, {grace.TotalSeconds:0} s after the last of the other workers started: the run begins with {draft.Members.Count()} of {workers.Count} workers, and those stay out of it")));
    }
}
