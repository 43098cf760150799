namespace Mpi.Planning;

/// <summary>
/// Workers that are the other indexes of the launcher's Job. It makes them all, and at the first failure of any it ends them all: its own
/// backoffLimit is 0, and the gang starts anew with another Job. So there is nothing to make or to take away here, and much to tell apart when it ends.
/// </summary>
internal sealed class IndexedWorkers : Workers
{
    /// <summary>They come with the Job.</summary>
    public override bool Ensure(Draft draft) => true;

    /// <summary>Whoever suspends the Job, or deletes it, ends them.</summary>
    public override void Release(Draft draft, bool alsoFinished, string why) => draft.NoteDeleted(draft.Scene.Workers);

    /// <inheritdoc cref="Release"/>
    public override void TakeAwayLost(Draft draft) { }

    /// <summary>A Job that goes on without one of its indexes cannot be had.</summary>
    public override void Replace(Draft draft) { }

    /// <summary>None: what the Job has taken away with the others is not missing. That nobody is left to blame says <see cref="OneJob"/>.</summary>
    public override int Standing(Draft draft) => 0;

    /// <summary>
    /// One that is being deleted: by the Job controller, because another pod has failed or the time is over, or by somebody, and then the Job fails. It
    /// says which in a moment. Only who takes pods from nodes says so on the pod itself.
    /// </summary>
    public override bool SharesFate(Draft draft, PodView pod) => pod is { Meta.Deleting: true, Disruption: "" };
}
