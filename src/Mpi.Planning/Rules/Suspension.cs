using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>Suspending: the launcher Job is suspended, which kills its pods, and every worker goes, finished ones too (spec 3.7).</summary>
internal static class Suspension
{
    public static void Enforce(Draft draft)
    {
        if (draft.Scene.Launcher is { Suspended: false, End: null } launcher) SuspendLauncher(draft, launcher);
        draft.Workers.Release(draft, alsoFinished: true, "the job is suspended");
        GangGroup.Delete(draft);
    }

    /// <summary>
    /// The job goes on and its launcher is suspended still. A worker of before that has ended makes room for a new one at no cost: the suspension
    /// would have taken it, had the operator been there to see it.
    /// </summary>
    public static void SeeThrough(Draft draft)
    {
        if (!IsLeft(draft)) return;
        PodDeletion.OneByOne(draft, draft.Scene.Workers.Where(w => w is { IsOver: true, Meta.Deleting: false } && !IsSuccessor(draft, w)).ToImmutableArray(), "the job was suspended");
    }

    /// <summary>Whether the job goes on, and its launcher is to be resumed when its workers, pods of the job itself, are there.</summary>
    public static bool IsLeft(Draft draft) =>
        draft.Run is { Suspended: false, Workers.Form: WorkerForm.Pods } && draft.Scene.Launcher is { Suspended: true, SuspendedAt: not null };

    /// <summary>Whether a worker was made after its launcher was suspended, in whole seconds.</summary>
    public static bool IsSuccessor(Draft draft, PodView worker) => worker.Meta.CreationTimestamp > draft.Scene.Launcher?.SuspendedAt;

    public static void SuspendLauncher(Draft draft, LauncherView launcher) => draft.Do(new PlanAction.Patch(
        Kinds.Job, draft.Scene.Key(launcher.Meta.Name), ChildManifest.Patch(launcher.Meta, "spec", new JsonObject { ["suspend"] = true })));
}
