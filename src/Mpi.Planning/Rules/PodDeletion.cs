using System.Collections.Immutable;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>How pods are deleted: one request for all where a selector cannot hit anything else, else one by one by uid.</summary>
internal static class PodDeletion
{
    /// <summary>How long a request for all is given to show in what is observed before it is made again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static void OneByOne(Draft draft, ImmutableArray<PodView> pods, string why)
    {
        foreach (var pod in pods)
        {
            if (!pod.Meta.Deleting) draft.Do(new PlanAction.Delete(Kinds.Pod, draft.Scene.Key(pod.Meta.Name), pod.Meta.Uid, why));
        }

        draft.NoteDeleted(pods);
    }

    /// <summary>All workers, or only those that may still run: <paramref name="alsoFinished"/> says which.</summary>
    public static void AllWorkers(Draft draft, bool alsoFinished, string why)
    {
        var meant = draft.Scene.Workers.Where(w => alsoFinished || w.Phase is not (PodPhase.Failed or PodPhase.Succeeded)).ToImmutableArray();
        draft.NoteDeleted(meant);
        var present = meant.Where(static w => !w.Meta.Deleting).ToImmutableArray();
        if (present.IsEmpty) return;

        // Pods that this operator made carry the job's uid; those of its predecessor or of strict compatibility do not.
        if (present.Length == 1 || present.Any(w => w.JobUidLabel != draft.Scene.Uid))
        {
            OneByOne(draft, present, why);
        }
        else if (LastRequest(meant) is { } asked && draft.Scene.Now < asked + Patience)
        {
            draft.Revisit(asked + Patience);
        }
        else
        {
            var selector = $"{PlanningNames.JobUid}={draft.Scene.Uid},{string.Join(',', draft.Scene.Profile.WorkerLabels.Select(static l => $"{l.Key}={l.Value}"))}";
            draft.Do(new PlanAction.DeletePods(draft.Scene.Namespace, selector, alsoFinished ? "" : "status.phase!=Failed,status.phase!=Succeeded", why));
        }
    }

    /// <summary>When a deletion was last asked for: deletionTimestamp is that time plus the grace.</summary>
    private static DateTimeOffset? LastRequest(ImmutableArray<PodView> pods) =>
        pods.Max(static p => p.DeletedAt);
}
