using Kube.Types;
using Mpi.Model;

namespace Mpi.Testing;

/// <summary>An event tells of something that happened: that a job was created, that it ended, and how, once; that it runs, once an attempt, resumption or, where that is told too, start of the launcher anew.</summary>
internal sealed class NewsIsToldOnce : Checker
{
    private readonly Dictionary<(string Job, string Reason), long> _told = [];
    private readonly Dictionary<string, (bool Restarting, int Attempt, int Anew)> _starts = new(StringComparer.Ordinal);

    public override void Changed(Change change, ClusterView view)
    {
        if (view.IsJob(change.Kind) && view.JobOf(change.Object) is { } changed) CountStarts(changed);
        if (change.Kind != Kinds.Event || change.After is not { } news || change.After.Root.Text("involvedObject", "uid") is not { } uid) return;
        var reason = news.Root.Text("reason") ?? "";
        var told = _told[(uid, reason)] = _told.GetValueOrDefault((uid, reason)) + (news.Root.Integer("count") ?? 1) - (change.Before?.Root.Integer("count") ?? 0);
        var job = view.Jobs.FirstOrDefault(j => j.Uid == uid);
        var may = job is null ? 1 : reason switch
        {
            "MPIJobCreated" or "MPIJobSucceeded" => 1,
            "MPIJobRunning" => (job.Recorded.Attempt?.Number ?? 1) + _starts[uid].Anew + (job.SuspendedAt is null ? 0 : job.Object.Meta.Generation),
            // What ends the last attempt may have ended those before it.
            _ when job.Recorded.Outcome is RunOutcome.Failed { Reason: var why } && reason == why => job.Recorded.Attempt?.Number ?? 1,
            _ => told,
        };
        if (job is not null && told > may) throw Broken($"event {reason} was told {told} times of {job}");
    }

    /// <summary>Within an attempt the launcher's Job makes its pod again; some versions say that the job restarts meanwhile.</summary>
    private void CountStarts(JobView job)
    {
        var (restarting, attempt, anew) = _starts.GetValueOrDefault(job.Uid);
        var now = (Restarting: job.Recorded.Restarting == true, Attempt: job.Recorded.Attempt?.Number ?? 0);
        _starts[job.Uid] = (now.Restarting, now.Attempt, now.Restarting && !restarting && now.Attempt == attempt ? anew + 1 : anew);
    }
}
