using System.Collections.Immutable;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Deletes what has lost its owners, and carries out foreground and orphaning deletion, for every served kind
/// (<see cref="GarbagePlanner"/>). The key is an object's UID.
/// </summary>
public sealed class GarbageCollector
{
    private static readonly TimeSpan UnseenOwnerWait = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly GarbageGraph _graph = new();
    private readonly ServedKinds _kinds;
    private readonly GarbageApplier _applier;
    private readonly EventRecorder _events;
    private readonly WorkQueue<string> _queue;
    private readonly CustomKindWatches<ObjectMeta> _custom;

    /// <param name="builtIn">The kinds to collect beside those of CustomResourceDefinitions.</param>
    public GarbageCollector(ClusterCaches caches, ServedKinds kinds, IReadOnlyList<ResourceKind> builtIn, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        _kinds = kinds;
        _applier = new GarbageApplier(client);
        _events = new EventRecorder(caches, client, time, random, "garbage-collector-controller");
        _queue = new WorkQueue<string>(options.Backoff, time, random);
        caches.Remembered.Add("garbage", () =>
        {
            lock (_gate) return _graph.Count;
        });
        foreach (var kind in builtIn) caches.Follow(kind, (old, current) => Take(kind, old, current));
        // What names an owner of a kind that nobody knew is looked at again when it is served: the owner may be gone before its kind is listed.
        kinds.Subscribe((kind, isServed) =>
        {
            if (isServed) Enqueue(g => g.DependentsOn(kind));
        });
        _custom = new CustomKindWatches<ObjectMeta>("reflector/custom-kinds", caches, kinds, static o => o.Meta, (kind, store) => ClusterCaches.Follow(store, static m => m, (old, current) => Take(kind, old, current)), time);
        Loops = [new ControllerLoop<string>("controller/garbage-collector", _queue, ReconcileAsync, [new SyncPatience(caches.Reflectors, time)], options.Reporter<string>("garbage-collector")), _custom];
    }

    /// <summary>The collector, and the watches of custom kinds, which come and go.</summary>
    public ImmutableArray<ILoop> Loops { get; }

    private async ValueTask<Outcome> ReconcileAsync(string uid, CancellationToken cancellation)
    {
        while (true)
        {
            // 1. Observe.
            ObservedGarbage seen;
            lock (_gate)
            {
                if (_graph.Find(uid) is not { } node) return Outcome.Done;
                seen = new ObservedGarbage(node, [.. node.Owners.Select(o => (o, StateOf(node, o)))], _graph.DependentsOf(uid));
            }

            // 2. Decide. A question is answered by the server, and the decision made again.
            var plan = GarbagePlanner.Plan(seen);
            if (plan is [GarbageAction.Verify verify])
            {
                var allPresent = await VerifyAsync(seen.Node, verify.Owners, cancellation);
                if (!allPresent) continue;

                // An owner that the stores do not show yet holds the object. It may go before they ever do, and then no event tells.
                return new Outcome.Requeue(UnseenOwnerWait);
            }

            await TellStrangersAsync(seen, cancellation);

            // 3. Apply. What was not in the observed state any more comes up again by its event.
            var landed = true;
            foreach (var action in plan) landed &= await _applier.ApplyAsync(seen.Node, action, cancellation);
            return landed ? Outcome.Done : new Outcome.Failed(new ApiException(new ApiStatus(409, ApiReason.Conflict, $"{seen.Node} has changed meanwhile")));
        }
    }

    /// <summary>An owner of another namespace is none, which whoever wrote the reference did not know.</summary>
    private async Task TellStrangersAsync(ObservedGarbage seen, CancellationToken cancellation)
    {
        foreach (var (owner, state) in seen.Owners)
        {
            GarbageNode? found;
            lock (_gate) found = _graph.Find(owner.Uid);
            if (state != OwnerState.Absent || found is null || found.Key.Namespace == seen.Node.Key.Namespace) continue;
            var message = $"ownerRef [{owner.ApiVersion}/{owner.Kind}, namespace: {seen.Node.Key.Namespace}, name: {owner.Name}, uid: {owner.Uid}] does not exist in namespace \"{seen.Node.Key.Namespace}\"";
            await _events.RecordAsync(seen.Node.ToObject(), "Warning", "OwnerRefInvalidNamespace", message, cancellation);
        }
    }

    private OwnerState StateOf(GarbageNode node, OwnerReference owner)
    {
        if (_graph.Find(owner.Uid) is { } found) return GarbagePlanner.StateOf(node, owner, found);
        if (_kinds.Find(owner) is not { } kind || (kind.Namespaced && !node.Kind.Namespaced)) return OwnerState.Unresolvable;
        return _graph.IsAbsent(owner.Uid) ? OwnerState.Absent : OwnerState.Unverified;
    }

    /// <returns>Whether all of them exist; those that do not are remembered.</returns>
    private async Task<bool> VerifyAsync(GarbageNode node, ImmutableArray<OwnerReference> owners, CancellationToken cancellation)
    {
        var allPresent = true;
        foreach (var owner in owners)
        {
            var kind = _kinds.Find(owner) ?? throw new InvalidOperationException($"{owner.Kind} is not served any more");
            var found = await _applier.FindLiveAsync(kind, node.Key.Namespace, owner.Name, cancellation);
            if (GarbagePlanner.StateOf(node, owner, found) != OwnerState.Absent) continue;
            allPresent = false;
            lock (_gate) _graph.SetAbsent(owner.Uid);
        }

        return allPresent;
    }

    /// <summary>Takes in a change of an object of the kind.</summary>
    internal void Take(ResourceKind kind, ObjectMeta? old, ObjectMeta? current)
    {
        if (old is not null && old.Uid != current?.Uid) Enqueue(g => g.Remove(old.Uid));
        if (current is not null) Enqueue(g => g.Set(new GarbageNode(kind, current)));
    }

    private void Enqueue(Func<GarbageGraph, ImmutableArray<string>> change)
    {
        ImmutableArray<string> concerned;
        lock (_gate) concerned = change(_graph);
        foreach (var uid in concerned) _queue.Add(uid);
    }
}
