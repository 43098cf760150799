using System.Collections.Immutable;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>The workers of a running job: the missing ones are made, those beyond the wanted number go.</summary>
internal static class Workers
{
    /// <returns>True when every wanted worker is there, or is made by this plan.</returns>
    public static bool Ensure(Draft draft)
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
}
