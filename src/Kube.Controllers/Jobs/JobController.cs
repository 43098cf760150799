using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Runs Jobs to completion (<c>batch/v1</c>): observe the Job and its pods, decide (<see cref="JobPlanner"/>), apply
/// (<see cref="JobApplier"/>). The key is the Job's.
/// </summary>
public sealed class JobController
{
    private readonly Dictionary<ObjectKey, JobMemory> _memories = [];
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly JobApplier _applier;
    private readonly TimeProvider _time;

    public JobController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _time) = (caches, client, time);
        _applier = new JobApplier(client, new EventRecorder(client, time, random, "job-controller"), time);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/jobs", queue, ReconcileAsync, [caches.Jobs.Reflector, caches.Pods.Reflector], options.Reporter("jobs"));
        caches.Jobs.Store.Subscribe(change => queue.Add(change.Key));
        caches.Pods.Store.Subscribe(change =>
        {
            if (JobOf(change.Old) is { } before) queue.Add(before);
            if (JobOf(change.New) is { } after) queue.Add(after);
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        // 1. Observe, when the stores show what the last pass wrote.
        var job = _caches.Jobs.Store.Find(key);
        var memory = Remember(key, job);
        var now = _time.GetUtcNow();
        if (memory is not null && !memory.Writes.AreSeen(SeenUpTo, now)) return Pass.RevisitAt(memory.Writes.AwaitedUntil, now);
        ImmutableArray<PodView> named = [.. _caches.Pods.Store.Having(ClusterCaches.ByJob, key.ToString())];

        // Pods of a Job that is gone have nobody left to count them.
        await ReleaseOrphansAsync(key, named.Where(p => p.IsTracked() && p.Meta.Controller!.Uid != job?.Meta.Uid), cancellation);
        if (job is null) return Outcome.Done;

        // 2. Decide.
        var seen = new ObservedJob(
            job,
            [.. named.Where(p => p.Meta.Controller!.Uid == job.Meta.Uid)],
            name => _caches.Pods.Store.Find(key with { Name = name }) is not null,
            memory!.Backoff,
            now);
        var plan = JobPlanner.Plan(seen);

        // 3. Apply.
        await _applier.ApplyAsync(seen, plan, memory, cancellation);
        return Pass.RevisitAt(plan.Again, now);
    }

    private JobMemory? Remember(ObjectKey key, JobView? job)
    {
        if (job is null)
        {
            _memories.Remove(key);
            return null;
        }

        if (_memories.TryGetValue(key, out var known) && known.Uid == job.Meta.Uid) return known;
        return _memories[key] = new JobMemory(job.Meta.Uid);
    }

    private async Task ReleaseOrphansAsync(ObjectKey job, IEnumerable<PodView> orphans, CancellationToken cancellation)
    {
        string? live = null;
        foreach (var pod in orphans)
        {
            // The store of Jobs may lag behind the store of pods: only the server can say that the Job is gone.
            live ??= await LiveUidAsync(job, cancellation);
            if (pod.Meta.Controller!.Uid != live) await _applier.ReleaseAsync(pod, null, cancellation);
        }
    }

    private async Task<string> LiveUidAsync(ObjectKey job, CancellationToken cancellation)
    {
        try
        {
            return (await _client.GetAsync(Kinds.Job, job.Namespace, job.Name, cancellation)).Meta.Uid;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return "";
        }
    }

    private string? SeenUpTo(ResourceKind kind) => kind == Kinds.Job ? _caches.Jobs.Store.Snapshot.SeenUpTo : _caches.Pods.Store.Snapshot.SeenUpTo;

    private static ObjectKey? JobOf(PodView? pod) =>
        pod?.Meta.Controller is { Kind: "Job" } owner ? new ObjectKey(pod.Meta.Namespace, owner.Name) : null;
}
