using Kube.Types;

namespace Mpi.Testing;

/// <summary>An event tells of something that happened: that a job was created, that it ended, once; that it runs, once an attempt or resumption.</summary>
internal sealed class NewsIsToldOnce : Checker
{
    private readonly Dictionary<(string Job, string Reason), long> _told = [];

    public override void Changed(Change change, ClusterView view)
    {
        if (change.Kind != Kinds.Event || change.After is not { } news || change.After.Root.Text("involvedObject", "uid") is not { } uid) return;
        var reason = news.Root.Text("reason") ?? "";
        if (reason is not ("MPIJobCreated" or "MPIJobSucceeded" or "MPIJobRunning")) return;
        var told = _told[(uid, reason)] = _told.GetValueOrDefault((uid, reason)) + (news.Root.Integer("count") ?? 1) - (change.Before?.Root.Integer("count") ?? 0);
        var job = view.Jobs.FirstOrDefault(j => j.Uid == uid);
        var may = reason != "MPIJobRunning" || job is null ? 1 : (job.Recorded.Attempt?.Number ?? 1) + (job.SuspendedAt is null ? 0 : job.Object.Meta.Generation);
        if (job is not null && told > may) throw Broken($"event {reason} was told {told} times of {job}");
    }
}
