using System.Text.Json.Nodes;
using Kube.Types;

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

    public static void SuspendLauncher(Draft draft, LauncherView launcher) => draft.Do(new PlanAction.Patch(
        Kinds.Job, draft.Scene.Key(launcher.Meta.Name), ChildManifest.Patch(launcher.Meta, "spec", new JsonObject { ["suspend"] = true })));
}
