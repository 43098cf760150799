using Mpi.Model;

namespace Mpi.Planning;

/// <summary>
/// When counters alone are worth a write. Any other change takes them along at once; by themselves they wait until the
/// pods have been quiet for a quarter of the time that the run is old, between 15 seconds and 5 minutes. So a gang that
/// comes up pod by pod costs no write a pod, and one that waits for days still shows how far it is.
/// </summary>
internal static class StatusPacing
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(5);

    /// <summary>Whether counters may wait; the draft then looks again when they no longer may.</summary>
    public static bool CountsCanWait(Draft draft, RunReport report)
    {
        var (scene, recorded, counts) = (draft.Scene, draft.Scene.Recorded, report.Counts);
        var tellsNothingNew = recorded.Presence is null || recorded.Presence == report.Presence;
        // A launcher that is just being made counts nothing yet: that joins the next write.
        if (tellsNothingNew && counts with { Launcher = counts.Launcher ?? ReplicaCount.None } == recorded.Counts with { Launcher = recorded.Counts.Launcher ?? ReplicaCount.None }) return true;
        // A retry is news, and a suspended run's last pod gone is what quota managers wait for.
        if ((counts.Launcher?.Failed ?? 0) != (recorded.Counts.Launcher?.Failed ?? 0)) return false;
        if (draft.Run.Suspended && Active(counts) == 0) return false;

        var age = scene.Now - (recorded.StartTime ?? scene.Now);
        var quiet = TimeSpan.FromTicks(Math.Clamp(age.Ticks / 4, Least.Ticks, Most.Ticks));
        var changed = scene.Workers.Concat(scene.LauncherPods).Max(static p => p.ChangedAt) ?? DateTimeOffset.MinValue;
        var due = changed + quiet;
        if (due <= scene.Now) return false;
        draft.Revisit(due);
        return true;
    }

    private static int Active(RunCounts counts) => (counts.Launcher?.Active ?? 0) + counts.Workers.Active;
}
