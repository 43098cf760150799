using System.Collections.Immutable;
using System.Diagnostics;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// The workers of a run as what the API server knows them: who makes them, how they go, and what their loss looks like. One file a form.
/// Which of them are there is the <see cref="Scene"/>'s to say.
/// </summary>
internal abstract class Workers
{
    private static readonly BareWorkers Bare = new();
    private static readonly StatefulWorkers Stateful = new();
    private static readonly IndexedWorkers Indexed = new();

    public static Workers Of(MpiRun run) => run.Workers.Form switch
    {
        WorkerForm.Pods => Bare,
        WorkerForm.StatefulSet => Stateful,
        WorkerForm.JobIndexes => Indexed,
        _ => throw new UnreachableException(),
    };

    /// <summary>The missing ones are made, those beyond the wanted number go.</summary>
    /// <returns>True when every wanted worker is there, or is made by this plan or what it makes.</returns>
    public abstract bool Ensure(Draft draft);

    /// <summary>None is left: of a run that is suspended, or over.</summary>
    /// <param name="alsoFinished">Those too that have ended.</param>
    public abstract void Release(Draft draft, bool alsoFinished, string why);

    /// <summary>Makes room for the successors of those that ended, between two attempts.</summary>
    public abstract void TakeAwayLost(Draft draft);

    /// <summary>
    /// For elastic programs: a worker that infrastructure took is replaced and the launcher goes on. One that failed by itself
    /// stays, as it always did: Horovod has struck its host off, and a new pod would only fail again.
    /// </summary>
    public abstract void Replace(Draft draft);

    /// <summary>How many workers, from index 0 on, have been there since the launcher's command started.</summary>
    public virtual int Standing(Draft draft) => draft.Scene.Recorded.WorkerCount ?? draft.Run.Workers.Count;

    /// <summary>What a worker's pod says of its loss, besides what every pod says; null for nothing.</summary>
    /// <param name="launched">When the launcher's command started; null before.</param>
    public virtual WorkerLoss? LossOf(Draft draft, int index, PodView pod, DateTimeOffset? launched) => null;

    /// <summary>Whether what has happened to a worker is no loss but what became of all, for a reason that shows elsewhere.</summary>
    public virtual bool SharesFate(Draft draft, PodView pod) => false;

    /// <summary>A worker that will never serve, whatever is made anew: why the run has failed; null as long as there is hope.</summary>
    public virtual RunOutcome.Failed? Hopeless(Draft draft) => null;

    /// <summary>A worker that somebody else should have made long since, and who says nothing of what keeps him: perhaps a stranger has its name. Null for none.</summary>
    public virtual int? Overdue(Draft draft) => null;

    /// <summary>What else has, or must have, a name of the run's workers.</summary>
    public virtual ImmutableArray<(string Kind, ChildMeta Meta)> Named(Scene scene) => [];
}
