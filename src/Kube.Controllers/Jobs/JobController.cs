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
    private readonly Memories<JobMemory> _memories = new(static () => new JobMemory());
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly JobApplier _applier;
    private readonly ClaimApplier _claims;
    private readonly TimeProvider _time;

    public JobController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _time) = (caches, client, time);
        _applier = new JobApplier(client, new EventRecorder(caches, client, time, random, "job-controller"), time);
        _claims = new ClaimApplier(client, time);
        caches.Remembered.Add("jobs", () => _memories.Count);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/jobs", queue, ReconcileAsync, [caches.Jobs.Reflector, caches.Pods.Reflector], options.Reporter("jobs"));
        caches.Jobs.Store.Subscribe(change => queue.Add(change.Key));
        caches.Pods.Store.QueueOwners(
            queue, static p => p.Meta, JobPods.JobOf, ns => caches.Jobs.Store.Having(ClusterCaches.JobsByNamespace, ns).Select(static j => (j.Meta, j.Selector)));
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        // 1. Observe, when the stores show what the last pass wrote.
        var job = _caches.Jobs.Store.Find(key);
        var memory = _memories.Of(key, job?.Meta.Uid);
        var now = _time.GetUtcNow();
        if (memory is not null && !memory.Writes.AreSeen(SeenUpTo, now)) return Pass.RevisitAt(memory.Writes.AwaitedUntil, now);
        ImmutableArray<PodView> named = [.. _caches.Pods.Store.Having(ClusterCaches.ByJob, key.ToString())];

        // Pods of a Job that is gone have nobody left to count them.
        await ReleaseOrphansAsync(key, named.Where(p => p.IsTracked() && IsLost(p, job?.Meta.Uid)), cancellation);
        if (job is null) return Outcome.Done;

        var isOver = job.Meta.DeletionTimestamp is not null || job.Status.Finished is not null || job.IsManagedElsewhere;
        var claims = Claims.Of(job.Meta, job.Selector, _caches.PodsOf(job.Meta), static p => p.Meta);
        if (!isOver && await _claims.ApplyAsync(job.Object, Kinds.Job, Kinds.Pod, claims, static p => p.Meta, memory!.Writes, JobPods.TrackingFinalizer, cancellation)) return Outcome.Done;

        // 2. Decide.
        var seen = new ObservedJob(
            job,
            isOver ? [.. named.Where(p => p.Meta.Controller?.Uid == job.Meta.Uid)] : claims.Owned,
            name => _caches.Pods.Store.Find(key with { Name = name }) is not null,
            memory!.Backoff,
            now);
        var plan = JobPlanner.Plan(seen);

        // 3. Apply.
        await _applier.ApplyAsync(seen, plan, memory, cancellation);
        return Pass.RevisitAt(plan.Again, now);
    }

    private async Task ReleaseOrphansAsync(ObjectKey job, IEnumerable<PodView> orphans, CancellationToken cancellation)
    {
        string? live = null;
        var asked = false;
        foreach (var pod in orphans)
        {
            // The store of Jobs may lag behind the store of pods: only the server can say that the Job is gone.
            if (!asked) live = await LiveUidAsync(job, cancellation);
            asked = true;
            if (IsLost(pod, live)) await _applier.ReleaseAsync(pod, null, cancellation);
        }
    }

    /// <summary>Whether a pod's Job is another or gone. One that nobody controls may still be adopted while there is a Job.</summary>
    private static bool IsLost(PodView pod, string? job) => pod.Meta.Controller is { } owner ? owner.Uid != job : job is null;

    private async Task<string?> LiveUidAsync(ObjectKey job, CancellationToken cancellation)
    {
        try
        {
            return (await _client.GetAsync(Kinds.Job, job.Namespace, job.Name, cancellation)).Meta.Uid;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private string? SeenUpTo(ResourceKind kind) => kind == Kinds.Job ? _caches.Jobs.Store.Snapshot.SeenUpTo : _caches.Pods.Store.Snapshot.SeenUpTo;
}
