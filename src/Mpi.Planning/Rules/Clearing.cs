using Kube.Types;

namespace Mpi.Planning;

/// <summary>
/// Between two attempts: the old launcher with its pods and the lost workers go first, and only when they are gone is anything
/// of the new attempt made. So there is one live launcher an attempt, ever, and one pod a worker index.
/// </summary>
internal static class Clearing
{
    /// <returns>True when everything is cleared, and the new attempt may be made: at once, or when it has waited as long as it was to.</returns>
    public static bool Continue(Draft draft)
    {
        var scene = draft.Scene;
        if (scene.ReplacedLauncher is { Meta.Deleting: false } launcher) DeleteLauncher(draft, launcher);
        draft.Workers.TakeAwayLost(draft);
        // Of a suspended run every worker goes, and that it is suspended is not said before they do.
        var waiting = scene.ReplacedLauncher is not null || !scene.ReplacedLauncherPods.IsEmpty || scene.Workers.Any(w => w.Meta.Deleting || w.IsOver || draft.Run.Suspended);
        if (waiting) return false;
        if (draft.Attempt.NotBefore is { } due && due > scene.Now)
        {
            draft.Revisit(due);
            return false;
        }

        draft.Attempt = draft.Attempt with { Clearing = false, Replaces = null, NotBefore = null };
        // Recorded before the first object is made: from here on a failing worker is a new failure.
        draft.StatusFirst = true;
        return true;
    }

    /// <summary>In the foreground: the Job stays until its pods are gone, so that nobody takes its name before.</summary>
    public static void DeleteLauncher(Draft draft, LauncherView launcher) => draft.Do(new PlanAction.Delete(
        Kinds.Job, draft.Scene.Key(launcher.Meta.Name), launcher.Meta.Uid, "the gang starts anew", "Foreground"));
}
