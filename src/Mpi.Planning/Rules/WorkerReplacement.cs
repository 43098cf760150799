using System.Collections.Immutable;

namespace Mpi.Planning;

/// <summary>
/// For elastic programs: a worker that infrastructure took is replaced and the launcher goes on. One that failed by itself
/// stays, as it always did: Horovod has struck its host off, and a new pod would only fail again.
/// </summary>
internal static class WorkerReplacement
{
    /// <summary>A pod that is refused as soon as it is made must not be made again at once.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    public static void Decide(Draft draft)
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
