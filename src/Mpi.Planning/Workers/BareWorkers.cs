using System.Collections.Immutable;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>Workers that are pods of the job itself.</summary>
internal sealed class BareWorkers : Workers
{
    /// <summary>A pod that is refused as soon as it is made must not be made again at once.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    public override bool Ensure(Draft draft)
    {
        var scene = draft.Scene;
        // By the index in the name: labels are shifted when the launcher runs ranks, and a scale-down that trusted them once deleted one too many.
        PodDeletion.OneByOne(
            draft, scene.Workers.Where(w => !w.Meta.Deleting && (scene.Profile.WorkerIndex(w.Meta.Name) is not { } index || index >= draft.Run.Workers.Count)).ToImmutableArray(), "scaled down");

        var complete = true;
        for (var index = 0; index < draft.Run.Workers.Count; index++)
        {
            if (scene.Worker(index) is not { } pod) draft.Do(new PlanAction.Create(Kinds.Pod, WorkerPod.Manifest(draft, index)));
            else if (pod.Meta.Deleting || draft.Deletes(pod)) complete = false;
        }

        return complete;
    }

    public override void Release(Draft draft, bool alsoFinished, string why) => PodDeletion.AllWorkers(draft, alsoFinished, why);

    public override void TakeAwayLost(Draft draft) => PodDeletion.OneByOne(
        draft, draft.Scene.Workers.Where(static w => !w.Meta.Deleting && w.IsOver).ToImmutableArray(), "lost to the gang");

    public override void Replace(Draft draft)
    {
        var due = ImmutableArray.CreateBuilder<PodView>();
        foreach (var pod in draft.Scene.Workers)
        {
            if (pod.Meta.Deleting || pod.Phase != PodPhase.Failed || !WorkerLoss.IsInfrastructure(pod)) continue;
            var at = (pod.ChangedAt ?? DateTimeOffset.MinValue) + Pause;
            if (at <= draft.Scene.Now) due.Add(pod);
            else draft.Revisit(at);
        }

        PodDeletion.OneByOne(draft, due.ToImmutable(), "taken by infrastructure, to be replaced");
    }
}
