using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// Workers that are the pods of one StatefulSet. It makes them, and replaces every one that ends or goes, whose containers besides start again
/// in place: so they are scaled instead of deleted, and what was lost is told by its successor.
/// </summary>
internal sealed class StatefulWorkers : Workers
{
    /// <summary>How much a node's clock may differ from the API server's, before a worker that was there counts as made after the launcher's start.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(2);

    /// <summary>How long a pod may be in coming, since its launcher waits for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public override bool Ensure(Draft draft)
    {
        var (scene, wanted) = (draft.Scene, draft.Run.Workers.Count);
        if (scene.WorkerSet is not { } set)
        {
            if (wanted > 0) draft.Do(new PlanAction.Create(Kinds.StatefulSet, WorkerSet.Manifest(draft)));
            return scene.Workers.IsEmpty;
        }

        if (set.Meta.Deleting) return false;
        if (set.Replicas == 0 && WorkerSet.MustBeRemade(draft, set))
        {
            // Without pods it has nothing to lose; while it has some, a new template would take them away one by one.
            if (scene.Workers.IsEmpty) draft.Do(new PlanAction.Delete(Kinds.StatefulSet, scene.Key(set.Meta.Name), set.Meta.Uid, "the workers' template has changed"));
            return false;
        }

        Scale(draft, set, wanted, scene.LauncherStarted ? Math.Min(set.Standing, wanted) : wanted);
        if (FirstMissing(draft) is not null && Waits(scene) is { } since && since + Patience > scene.Now) draft.Revisit(since + Patience);
        return !draft.Members.Any(i => scene.Worker(i) is { } pod && (pod.Meta.Deleting || pod.IsOver));
    }

    public override void Release(Draft draft, bool alsoFinished, string why)
    {
        draft.NoteDeleted(draft.Scene.Workers);
        if (draft.Scene.WorkerSet is { Meta.Deleting: false } set) Scale(draft, set, 0, 0);
    }

    /// <summary>Nothing: a StatefulSet takes away itself what ended, and its successor is of the new attempt.</summary>
    public override void TakeAwayLost(Draft draft) { }

    /// <inheritdoc cref="TakeAwayLost"/>
    public override void Replace(Draft draft) { }

    public override int Standing(Draft draft) => Math.Min(base.Standing(draft), draft.Scene.WorkerSet?.Standing ?? int.MaxValue);

    public override WorkerLoss? LossOf(Draft draft, int index, PodView pod, DateTimeOffset? launched)
    {
        if (launched is null || index >= Standing(draft)) return null;
        if (pod.Meta.CreationTimestamp > launched + ClockSkew) return new WorkerLoss(pod.Meta.Name, true, false, $"worker {pod.Meta.Name} was replaced while the launcher ran");
        return pod is { HasFailed: true, End: { } end } && end.FinishedAt >= launched ? WorkerLoss.OfContainer(pod.Meta.Name, $"worker {pod.Meta.Name} failed,", end) : null;
    }

    /// <summary>
    /// Before the launcher's command starts a worker may start again as often as a launcher might, and nothing is lost; one that never stays up would
    /// be waited for for ever.
    /// </summary>
    public override RunOutcome.Failed? Hopeless(Draft draft)
    {
        var limit = Budget.BackoffLimit(draft);
        if (draft.Scene.LauncherStarted || draft.Scene.Workers.FirstOrDefault(w => w.Restarts > limit && w.End is not null) is not { End: { } end } worker) return null;
        var loss = WorkerLoss.OfContainer(worker.Meta.Name, $"worker {worker.Meta.Name} ended {worker.Restarts} times before the launcher started,", end);
        return new RunOutcome.Failed("BackoffLimitExceeded", Texts.Truncate($"{loss.What}; no retries left (backoffLimit {limit})"));
    }

    public override int? Overdue(Draft draft) => Waits(draft.Scene) + Patience <= draft.Scene.Now ? FirstMissing(draft) : null;

    public override ImmutableArray<(string Kind, ChildMeta Meta)> Named(Scene scene) => scene.Seen.WorkerSet is { } set ? [(Kinds.StatefulSet.Kind, set.Meta)] : [];

    /// <summary>Since when a run that has not started waits for its workers.</summary>
    private static DateTimeOffset? Waits(Scene scene) =>
        scene.LauncherStarted || scene.WorkerSet is not { Replicas: > 0 } set ? null : scene.LauncherPods.LastOrDefault()?.Meta.CreationTimestamp ?? set.Meta.CreationTimestamp;

    /// <summary>The first that is not there; null where none is missing, or a stranger is known to be in the way already.</summary>
    private static int? FirstMissing(Draft draft)
    {
        var missing = draft.Members.Where(i => draft.Scene.Worker(i) is null).ToList();
        return missing.Count == 0 || missing.Exists(draft.Scene.IsStrangers) ? null : missing[0];
    }

    private static void Scale(Draft draft, StatefulSetView set, int replicas, int standing)
    {
        if (set.Replicas == replicas && set.Standing == standing) return;
        var patch = ChildManifest.Patch(set.Meta, "spec", new JsonObject { ["replicas"] = replicas });
        patch.Object("metadata")["annotations"] = new JsonObject { [PlanningNames.StandingWorkers] = standing.ToString(CultureInfo.InvariantCulture) };
        draft.Do(new PlanAction.Patch(Kinds.StatefulSet, draft.Scene.Key(set.Meta.Name), patch));
    }
}
