using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Runs ReplicaSets (<c>apps/v1</c>): observe the set and its pods, decide (<see cref="ReplicaSetPlanner"/>), apply. The key is the set's.</summary>
public sealed class ReplicaSetController
{
    private readonly Memories<Memory> _memories = new(static () => new Memory());
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly EventRecorder _events;
    private readonly ClaimApplier _claims;
    private readonly TimeProvider _time;

    private sealed class Memory
    {
        public OwnWrites Writes { get; } = new();

        /// <summary>How many pods were made, which numbers the names: a lost answer then names the same pod again.</summary>
        public int Made { get; set; }

        /// <summary>The name of a pod of which nobody knows whether it was made: the answer did not come.</summary>
        public string? Unanswered { get; set; }
    }

    public ReplicaSetController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _time) = (caches, client, time);
        _events = new EventRecorder(caches, client, time, random, "replicaset-controller");
        _claims = new ClaimApplier(client, time);
        caches.Remembered.Add("replicasets", () => _memories.Count);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/replicasets", queue, ReconcileAsync, [caches.ReplicaSets.Reflector, caches.Pods.Reflector], options.Reporter("replicasets"));
        caches.ReplicaSets.Store.Subscribe(change => queue.Add(change.Key));
        caches.Pods.Store.QueueOwners(
            queue, static p => p.Meta, static p => OwnerQueueing.ControllerOf(p.Meta, Kinds.ReplicaSet),
            ns => caches.ReplicaSets.Store.Having(ClusterCaches.ReplicaSetsByNamespace, ns).Select(static s => (s.Meta, s.Selector)));
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        // 1. Observe, when the stores show what the last pass wrote.
        var set = _caches.ReplicaSets.Store.Find(key);
        var memory = _memories.Of(key, set?.Meta.Uid);
        if (set is null) return Outcome.Done;
        var now = _time.GetUtcNow();
        var writes = memory!.Writes;
        if (!writes.AreSeen(kind => kind == Kinds.Pod ? _caches.Pods.Store.Snapshot.SeenUpTo : _caches.ReplicaSets.Store.Snapshot.SeenUpTo, now)) return Pass.RevisitAt(writes.AwaitedUntil, now);
        if (await LearnAsync(set, memory, cancellation)) return Pass.RevisitAt(writes.AwaitedUntil, now);
        var claims = Claims.Of(set.Meta, set.Selector, _caches.PodsOf(set.Meta), static p => p.Meta, static p => p.Meta.Controller is not null || p.IsActive);
        if (await _claims.ApplyAsync(set.Object, Kinds.ReplicaSet, Kinds.Pod, claims, static p => p.Meta, writes, null, cancellation)) return Outcome.Done;
        writes.KeepDeletions(claims.Owned.Select(static p => p.Meta.Uid));
        ImmutableArray<PodView> staying = [.. claims.Owned.Where(p => !writes.IsDeleted(p.Meta.Uid))];
        var leaving = claims.Owned.Count(p => !p.IsFinished && (p.IsTerminating || writes.IsDeleted(p.Meta.Uid)));

        // 2. Decide.
        var plan = ReplicaSetPlanner.Plan(new ObservedReplicaSet(set, staying, leaving, now));

        // 3. Apply.
        ApiException? failure = null;
        try
        {
            for (var i = 0; i < plan.Create; i++) await CreateAsync(set, memory, cancellation);
            foreach (var pod in plan.Delete) await DeleteAsync(set, pod, writes, cancellation);
        }
        catch (ApiException e) when (e.Responsibility is Responsibility.User or Responsibility.Administrator)
        {
            failure = e;
        }

        var status = ReplicaSetPlanner.WithFailure(plan.Status, failure is null ? null : plan.Create > 0 ? "FailedCreate" : "FailedDelete", failure?.Message ?? "", now);
        await StatusUpdate.WriteAsync(_client, Kinds.ReplicaSet, set.Object, status, writes, _time, cancellation);
        return failure is null ? Pass.RevisitAt(plan.Again, now) : new Outcome.Failed(failure);
    }

    /// <summary>
    /// Asks after the pod whose creation was not answered. One that is there counts as made, and the next pass waits until it shows: else it would
    /// be missed once more, or, when the set has shrunk meanwhile, be one too many of which the status knows nothing.
    /// </summary>
    /// <returns>Whether it is there.</returns>
    private async Task<bool> LearnAsync(ReplicaSetView set, Memory memory, CancellationToken cancellation)
    {
        if (memory.Unanswered is not { } name) return false;
        KubeObject? made = null;
        try
        {
            made = await _client.GetAsync(Kinds.Pod, set.Meta.Namespace, name, cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // It never came to be.
        }

        memory.Unanswered = null;
        if (made is null) return false;
        memory.Writes.Add(Kinds.Pod, made, _time.GetUtcNow());
        memory.Made++;
        return true;
    }

    private async Task CreateAsync(ReplicaSetView set, Memory memory, CancellationToken cancellation)
    {
        var (meta, spec) = PodTemplate.Open(set.Template, set.Object, Kinds.ReplicaSet);
        var prefix = $"{set.Meta.Name}-";
        // Names of before a restart may still be in use.
        string name;
        do name = NameSuffix.Name(prefix, $"{set.Meta.Uid}/{memory.Made++}");
        while (_caches.Pods.Store.Find(set.Meta.Key with { Name = name }) is not null);
        meta["generateName"] = NameSuffix.Prefix(prefix);
        meta["name"] = name;
        try
        {
            memory.Writes.Add(Kinds.Pod, await _client.CreateAsync(Kinds.Pod, KubeObject.From(PodTemplate.Close(meta, spec)), cancellation), _time.GetUtcNow());
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // Made before a restart, and the cache is late.
            memory.Made--;
            memory.Unanswered = name;
            await LearnAsync(set, memory, cancellation);
            return;
        }
        catch (ApiException e) when (e.Responsibility is Responsibility.User or Responsibility.Administrator)
        {
            memory.Made--;
            await _events.RecordAsync(set.Object, "Warning", "FailedCreate", $"Error creating: {e.Message}", cancellation);
            throw;
        }
        catch
        {
            memory.Made--;
            memory.Unanswered = name;
            throw;
        }

        await _events.RecordAsync(set.Object, "Normal", "SuccessfulCreate", $"Created pod: {name}", cancellation);
    }

    private async Task DeleteAsync(ReplicaSetView set, PodView pod, OwnWrites writes, CancellationToken cancellation)
    {
        if (!await Deletion.IfThereAsync(_client, Kinds.Pod, pod.Meta, cancellation)) return;
        writes.AddDeletion(pod.Meta.Uid);
        await _events.RecordAsync(set.Object, "Normal", "SuccessfulDelete", $"Deleted pod: {pod.Meta.Name}", cancellation);
    }
}
