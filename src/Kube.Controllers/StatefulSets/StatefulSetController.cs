using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Runs StatefulSets (<c>apps/v1</c>): observe the set, its pods, revisions and claims, decide (<see cref="StatefulSetPlanner"/>),
/// apply (<see cref="StatefulSetApplier"/>). The key is the set's.
/// </summary>
public sealed class StatefulSetController
{
    private static readonly StoreIndex<StatefulSetView> ByNamespace = new("namespace", static set => [set.Meta.Namespace]);
    private static readonly StoreIndex<KubeObject> RevisionsByController = new("controller", static r => [ClusterCaches.ControllerOf(r.Meta)]);

    private readonly Memories<OwnWrites> _memories = new(static () => new OwnWrites());
    private readonly ClusterCaches _caches;
    private readonly Cache<StatefulSetView> _sets;
    private readonly Cache<KubeObject> _revisions;
    private readonly ClaimApplier _claims;
    private readonly StatefulSetApplier _applier;
    private readonly TimeProvider _time;

    public StatefulSetController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _time) = (caches, time);
        _sets = caches.Watch(Kinds.StatefulSet, static o => new StatefulSetView(o), static s => s.Meta, ByNamespace);
        _revisions = caches.Watch(Kinds.ControllerRevision, RevisionsByController);
        _claims = new ClaimApplier(client, time);
        _applier = new StatefulSetApplier(client, new EventRecorder(caches, client, time, random, "statefulset-controller"), time);
        caches.Remembered.Add("statefulsets", () => _memories.Count);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>(
            "controller/statefulsets", queue, ReconcileAsync,
            [_sets.Reflector, caches.Pods.Reflector, _revisions.Reflector, caches.VolumeClaims.Reflector],
            options.Reporter("statefulsets"));
        _sets.Store.Subscribe(change => queue.Add(change.Key));
        caches.Pods.Store.QueueOwners(
            queue, static p => p.Meta, static p => OwnerQueueing.ControllerOf(p.Meta, Kinds.StatefulSet),
            ns => _sets.Store.Having(ByNamespace, ns).Select(static s => (s.Meta, s.Selector)));
        // A claim that goes may be what a pod's return waits for.
        caches.VolumeClaims.Store.Subscribe(change =>
        {
            if (change.New is not null) return;
            foreach (var set in _sets.Store.Having(ByNamespace, change.Key.Namespace)) queue.Add(set.Meta.Key);
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        // 1. Observe, when the stores show what the last pass wrote.
        var set = _sets.Store.Find(key);
        var writes = _memories.Of(key, set?.Meta.Uid);
        if (set is null) return Outcome.Done;
        var now = _time.GetUtcNow();
        if (!writes!.AreSeen(SeenUpTo, now)) return Pass.RevisitAt(writes.AwaitedUntil, now);

        var pods = Claims.Of(set.Meta, set.Selector, _caches.PodsOf(set.Meta), static p => p.Meta, p => StatefulPods.OrdinalOf(set, p.Meta.Name) is not null);
        var candidates = _revisions.Store.Having(RevisionsByController, set.Meta.Uid).Concat(_revisions.Store.Having(RevisionsByController, $"/{key.Namespace}"));
        var revisions = Claims.Of(set.Meta, set.Selector, candidates, static r => r.Meta);
        var claimed = await _claims.ApplyAsync(set.Object, Kinds.StatefulSet, Kinds.Pod, pods, static p => p.Meta, writes, null, cancellation);
        claimed |= await _claims.ApplyAsync(set.Object, Kinds.StatefulSet, Kinds.ControllerRevision, revisions, static r => r.Meta, writes, null, cancellation);
        if (claimed) return Outcome.Done;

        writes.KeepDeletions(pods.Owned.Select(static p => p.Meta.Uid));

        // 2. Decide.
        var seen = new ObservedStatefulSet(set, pods.Owned, revisions.Owned, name => _caches.VolumeClaims.Store.Find(key with { Name = name }), now);
        var plan = StatefulSetPlanner.Plan(seen);

        // 3. Apply.
        await _applier.ApplyAsync(seen, plan, writes, cancellation);
        return Pass.RevisitAt(plan.Again, now);
    }

    private string? SeenUpTo(ResourceKind kind) =>
        kind == Kinds.Pod ? _caches.Pods.Store.Snapshot.SeenUpTo
        : kind == Kinds.StatefulSet ? _sets.Store.Snapshot.SeenUpTo
        : kind == Kinds.ControllerRevision ? _revisions.Store.Snapshot.SeenUpTo
        : _caches.VolumeClaims.Store.Snapshot.SeenUpTo;
}
