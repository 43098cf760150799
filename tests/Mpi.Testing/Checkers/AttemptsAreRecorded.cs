using Kube.Types;

namespace Mpi.Testing;

/// <summary>
/// No launcher is made that is not recorded before, and none twice for one attempt: what may have run is never silently run again. Only a
/// suspended job's launcher may be made anew, because nothing ran; and one that was deleted after the operator that had made it died, and before
/// anybody recorded it: of that nobody knows.
/// </summary>
internal sealed class AttemptsAreRecorded : Checker
{
    private readonly Dictionary<string, (int Attempt, string Launcher, string Maker, DateTimeOffset At)> _made = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _recorded = new(StringComparer.Ordinal);

    public override void Changed(Change change, ClusterView view)
    {
        if (view.IsJob(change.Kind) && change.After is not null && view.JobOf(change.After) is { } changed) Count(changed, change);
        if (change.Kind != Kinds.Job || change.Before is not null || view.JobOf(change.After!) is not { } job || change.After!.Meta.Name != job.Profile.Launcher) return;
        if (job.Recorded is not { Announced: true, Attempt: { } attempt }) throw Broken($"the launcher of {job} was made before its attempt was recorded");
        if (job.IsOver) throw Broken($"a launcher of {job} was made after its end");
        if (attempt.Clearing) throw Broken($"the launcher of attempt {attempt.Number} of {job} was made before what it replaces was gone");
        if (_made.TryGetValue(job.Uid, out var earlier) && earlier.Attempt == attempt.Number && !(job.SuspendedAt >= earlier.At)
            && (earlier.Maker == change.Actor || _recorded.Contains(earlier.Launcher)))
        {
            throw Broken($"attempt {attempt.Number} of {job} got a second launcher: what ran in Job {earlier.Launcher} may run again, and nothing says so");
        }

        _made[job.Uid] = (attempt.Number, change.After.Meta.Uid, change.Actor, change.At);
    }

    /// <summary>They count upwards, one by one.</summary>
    private void Count(JobView job, Change change)
    {
        if (job.Recorded.Attempt is { LauncherUid: { } launcher }) _recorded.Add(launcher);
        if (job.Recorded.Attempt is not { } attempt || !(change.IsOperators || change.Actor.Length == 0)) return;
        var before = _attempts.GetValueOrDefault(job.Uid, attempt.Number);
        if (attempt.Number != before && attempt.Number != before + 1) throw Broken($"{job} went from attempt {before} to {attempt.Number}");
        _attempts[job.Uid] = attempt.Number;
    }
}
