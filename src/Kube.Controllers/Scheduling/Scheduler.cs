using System.Collections.Immutable;
using System.Text.Json;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Gives pods to nodes, the most important first: one pod at a time (<see cref="SchedulingPlanner"/>), or a whole group
/// (<see cref="GangPlanner"/>). A pod that fits nowhere may push out others (<see cref="PreemptionPlanner"/>), is told why it waits,
/// and looks again when something has changed.
/// </summary>
public sealed class Scheduler : ITimedLoop
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly ClusterCaches _caches;
    private readonly ControllerOptions _options;
    private readonly Cache<KubeObject> _budgets;
    private readonly ClusterRoom _room;
    private readonly GangGroups _gangs;
    private readonly GangStatuses _statuses;
    private readonly SchedulingQueue _queue;
    private readonly SchedulingWrites _writes;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly IReflector[] _sources;

    // Why a group waits, by its key; and what pods of the same wishes were told, while nothing has changed since.
    private readonly Dictionary<string, GangShortage> _shortages = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Version, int Pods)> _gangTries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _gangPauses = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);
    private long _toldAt = -1;

    // Pods whose binding may or may not have landed: the request was lost.
    private readonly HashSet<string> _doubtful = new(StringComparer.Ordinal);
    private bool _wantsCompany;
    private int _first;

    public Scheduler(ClusterCaches caches, ServedKinds kinds, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _options, _time, _random) = (caches, options, time, random);
        _budgets = caches.Budgets;
        _room = new ClusterRoom(caches);
        _queue = new SchedulingQueue(options.Backoff, time, random);
        _writes = new SchedulingWrites(caches, client, time, random);
        _sources = [caches.Nodes.Reflector, caches.Pods.Reflector, caches.VolumeClaims.Reflector, caches.Namespaces.Reflector];
        _gangs = new GangGroups(caches, kinds, GroupChanged, time);
        _statuses = new GangStatuses(caches, client, _gangs, ShortageOf, options, time, random);
        caches.Remembered.Add("scheduler", () =>
        {
            lock (_gate) return _shortages.Count + _gangTries.Count + _gangPauses.Count + _doubtful.Count + _room.Pods + _queue.Count;
        });
        caches.OnDeleted(uid =>
        {
            lock (_gate) _doubtful.Remove(uid);
        });
        caches.Nodes.Store.Subscribe(NodeChanged);
        caches.Pods.Store.Subscribe(PodChanged);
        caches.VolumeClaims.Store.Subscribe(change =>
        {
            if (change.Old?.Root.Text("status", "phase") != change.New?.Root.Text("status", "phase")) _queue.WakeParked();
        });
    }

    public string Name => "controller/scheduler";

    /// <summary>The scheduler itself, the watches of groups, and the writer of their status.</summary>
    public ImmutableArray<ILoop> Loops => [this, _gangs.Loop, _statuses.Loop];

    public DateTimeOffset? NextDue => Synced ? _queue.NextDue : null;

    private bool Synced => _sources.All(static s => s.HasSynced);

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (!Synced || !_queue.TryTake(out var key)) return false;
        try
        {
            await ScheduleAsync(key, cancellation);
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            var api = fault as ApiException;
            var wait = _queue.Retry(key, api?.Status.RetryAfter);
            if (api?.Responsibility != Responsibility.Replan) _options.Reporter("scheduler")?.Invoke(key, fault, wait);
        }

        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation)
    {
        foreach (var source in _sources)
        {
            if (!source.HasSynced) return source.WaitForSyncAsync(cancellation);
        }

        return _queue.WaitAsync(cancellation);
    }

    private async ValueTask ScheduleAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_caches.Pods.Store.Find(key) is not { } pod || !IsPending(pod)) return;
        if (pod.Spec.Items("schedulingGates").Any())
        {
            await _writes.TellAsync(pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates", cancellation);
            return;
        }

        var demand = new PodDemand(pod);
        if (_gangs.Of(pod) is { } gang) await ScheduleGangAsync(demand, gang, cancellation);
        else await ScheduleOneAsync(demand, cancellation);
    }

    private async ValueTask ScheduleOneAsync(PodDemand pod, CancellationToken cancellation)
    {
        Placement placement;
        Preemption? preemption = null;
        lock (_gate)
        {
            if (InFlight(pod.Pod, out var home))
            {
                if (home is null) return;
                placement = new Placement.OnNode(home);
            }
            else placement = WaitsForClaims(pod) ?? Recall(pod) ?? _room.WithNominations(pod, () => SchedulingPlanner.Place(pod, _room.View, _random, _first++));
            if (placement is Placement.OnNode chosen) _room.Take(chosen.Node, pod);
            else _wantsCompany |= !pod.Affinity.IsEmpty;
            if (placement is Placement.Nowhere { Contested.IsDefault: false } nowhere)
            {
                preemption = _room.WithNominations(pod, () => Preempt(pod, nowhere));
                if (preemption is Preemption.Never never)
                {
                    placement = nowhere with { Message = $"{nowhere.Message}{(never.Message.Length > 0 ? $" preemption: {never.Message}" : "")}" };
                    Remember(pod, placement);
                }
            }
        }

        switch (placement)
        {
            case Placement.OnNode { Node: var node }:
                await BindAsync(pod, node, cancellation);
                break;
            case Placement.Nowhere { Message: var message }:
                if (preemption is Preemption.Evict evict) await EvictAsync(pod, evict, cancellation);
                await _writes.TellAsync(pod.Pod, "Unschedulable", message, cancellation);
                break;
        }
    }

    private async ValueTask BindAsync(PodDemand pod, NodeState node, CancellationToken cancellation)
    {
        var uid = pod.Pod.Meta.Uid;
        try
        {
            if (await _writes.BindAsync(pod.Pod, node.Name, cancellation)) return;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // It may have landed: the room stays taken, and the same binding is tried again.
            lock (_gate) _doubtful.Add(uid);
            throw;
        }
        catch (ApiException)
        {
            lock (_gate) _room.Release(uid);
            throw;
        }

        // Refused: the pod is gone, or bound already, which its own event tells.
        lock (_gate) _room.Release(uid);
    }

    /// <summary>Whether the pod was given to a node and its event is on the way. Called under the gate.</summary>
    /// <param name="home">The node of a binding that is to be tried again.</param>
    private bool InFlight(PodView pod, out NodeState? home)
    {
        home = _room.HomeOf(pod.Meta.Uid);
        if (home is null) return false;
        if (!_doubtful.Remove(pod.Meta.Uid)) home = null;
        return true;
    }

    private async ValueTask EvictAsync(PodDemand pod, Preemption.Evict evict, CancellationToken cancellation)
    {
        await _writes.NominateAsync(pod.Pod, evict.Node.Name, cancellation);
        foreach (var victim in evict.Victims) await _writes.EvictAsync(victim.Pod, pod.Pod, evict.Node.Name, cancellation);
        // All gone without a grace: then no event will come that frees anything more.
        _queue.Revisit(pod.Pod.Meta.Key, TimeSpan.FromSeconds(1));
    }

    /// <summary>Called under the gate.</summary>
    private Preemption Preempt(PodDemand pod, Placement.Nowhere nowhere)
    {
        if (_room.NominatedNode(pod.Pod.Meta.Uid) is { } cleared && cleared.Pods.Any(p => p.Pod.IsTerminating && p.Priority < pod.Priority))
        {
            return new Preemption.Never("not eligible due to terminating pod on the nominated node.");
        }

        var budgets = _budgets.Store.Snapshot.Values.Select(static b => new DisruptionBudget(
            b.Meta.Namespace, LabelSelector.Read(b.Root.At("spec", "selector"), "spec.selector", []), (int)(b.Root.Integer("status", "disruptionsAllowed") ?? 0)));
        var preemption = PreemptionPlanner.Plan(pod, nowhere, _room.View, [.. budgets]);
        if (preemption is Preemption.Evict evict) _room.Nominate(pod, evict.Node.Name);
        return preemption;
    }

    private async ValueTask ScheduleGangAsync(PodDemand pod, Gang gang, CancellationToken cancellation)
    {
        var members = _caches.Pods.Store.Having(ClusterCaches.ByGang, gang.Key).Where(p => gang.Backend.GroupOf(p) is not null).ToList();
        var count = GangCount.Of(members.Where(static p => !p.IsTerminating));
        var wish = gang.Object is { } group ? gang.Backend.Read(group) : new GangWish(0);
        GangDecision decision;
        lock (_gate)
        {
            if (_room.IsHoused(pod.Pod.Meta.Uid) && !_doubtful.Contains(pod.Pod.Meta.Uid)) return;
            var housed = members.Where(p => !p.IsFinished && !p.IsTerminating && _room.IsHoused(p.Meta.Uid)).ToList();
            var started = housed.Count + count.Succeeded;
            // A group that has its minimum grows pod by pod.
            var asksForNothing = wish.MinResources.IsNone && wish.Queue.Length == 0;
            if (gang.Object is not null && started >= wish.MinMember && (started > 0 || asksForNothing))
            {
                _shortages.Remove(gang.Key);
                decision = new GangDecision.Start([]);
            }
            else decision = Decide(gang, wish, members, started, count, housed);
        }

        switch (decision)
        {
            case GangDecision.Start { Placements.IsEmpty: true }:
                await ScheduleOneAsync(pod, cancellation);
                break;
            case GangDecision.Start start:
                Look(gang);
                await BindAllAsync(start.Placements, cancellation);
                break;
            case GangDecision.Wait wait:
                Look(gang);
                // The pods of a group are made one after the other: the first need not hear that the others are missing yet.
                var old = pod.Pod.Meta.CreationTimestamp + Settling;
                if (wait.Shortage is GangShortage.TooFewPods && old > _time.GetUtcNow()) _queue.Revisit(pod.Pod.Meta.Key, Settling);
                else await _writes.TellAsync(pod.Pod, "Unschedulable", gang.Backend.Explain(wish, count, wait.Shortage), cancellation);
                break;
        }
    }

    private async ValueTask BindAllAsync(ImmutableArray<(PodDemand Pod, NodeState Node)> placements, CancellationToken cancellation)
    {
        for (var i = 0; i < placements.Length; i++)
        {
            try
            {
                await BindAsync(placements[i].Pod, placements[i].Node, cancellation);
            }
            catch
            {
                // Those behind it give their room back, and all of them look again.
                lock (_gate)
                {
                    foreach (var (pod, _) in placements.AsSpan()[(i + 1)..]) _room.Release(pod.Pod.Meta.Uid);
                }

                foreach (var (pod, _) in placements.AsSpan()[i..].ToArray()) _queue.Retry(pod.Pod.Meta.Key, null);
                throw;
            }
        }
    }

    /// <summary>Called under the gate.</summary>
    private GangDecision Decide(Gang gang, GangWish wish, List<PodView> members, int started, GangCount count, List<PodView> housed)
    {
        var now = _time.GetUtcNow();
        if (gang.Object is null) return Wait(new GangShortage.NoGroup());
        if (!_gangs.HasQueue(gang.Backend, wish.Queue)) return Wait(new GangShortage.NoQueue(wish.Queue));

        // Every waiting pod of the group comes by; one try is enough for all as long as nothing has changed.
        var tried = _gangTries.TryGetValue(gang.Key, out var last) && last == (_room.Version, members.Count);
        if (tried && _shortages.TryGetValue(gang.Key, out var same)) return new GangDecision.Wait(same);
        if (_gangPauses.TryGetValue(gang.Key, out var until) && until > now && _shortages.TryGetValue(gang.Key, out var paused))
        {
            // Whatever brought the pods here early has taken their time to look again from them.
            foreach (var member in members.Where(IsPending)) _queue.Revisit(member.Meta.Key, until - now);
            return new GangDecision.Wait(paused);
        }


        var held = housed.Aggregate(ResourceAmounts.None, static (sum, p) => sum.Plus(new PodDemand(p).Requests));
        var waiting = members.Where(p => IsPending(p) && !_room.IsHoused(p.Meta.Uid) && !p.Spec.Items("schedulingGates").Any()).Select(static p => new PodDemand(p))
            .OrderByDescending(static p => p.Priority).ThenBy(static p => p.Pod.Meta.CreationTimestamp).ThenBy(static p => p.Pod.Meta.Name, StringComparer.Ordinal).ToList();
        var decision = GangPlanner.Decide(wish, waiting, started, count.All, held, _room, _random);
        if (decision is GangDecision.Wait { Shortage: var shortage }) return Wait(shortage);
        _shortages.Remove(gang.Key);
        _gangTries.Remove(gang.Key);
        _gangPauses.Remove(gang.Key);
        return decision;

        GangDecision.Wait Wait(GangShortage why)
        {
            _shortages[gang.Key] = why;
            _gangTries[gang.Key] = (_room.Version, members.Count);
            if (wish.Timeout is { } timeout && why is GangShortage.NoRoom)
            {
                _gangPauses[gang.Key] = now + timeout;
                foreach (var member in members.Where(IsPending)) _queue.Revisit(member.Meta.Key, timeout);
            }

            return new GangDecision.Wait(why);
        }
    }

    private void Look(Gang gang)
    {
        if (gang.Object is { } group) _statuses.Look(gang.Kind, group.Meta.Key);
    }

    private GangShortage? ShortageOf(string gang)
    {
        lock (_gate) return _shortages.GetValueOrDefault(gang);
    }

    /// <summary>A volume that is not there yet: no node will do.</summary>
    private Placement.Nowhere? WaitsForClaims(PodDemand pod)
    {
        foreach (var wanted in pod.Claims)
        {
            var name = wanted.Name;
            var claim = _caches.VolumeClaims.Store.Find(pod.Pod.Meta.Key with { Name = name });
            var reason = claim is null && wanted.IsEphemeral ? $"waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\""
                : claim is null ? $"persistentvolumeclaim \"{name}\" not found"
                : wanted.IsEphemeral && claim.Meta.Controller?.Uid != pod.Pod.Meta.Uid ? $"PVC {claim.Meta.Key} was not created for pod {pod.Pod.Meta.Key} (pod is not owner)"
                : claim.Meta.DeletionTimestamp is not null ? $"persistentvolumeclaim \"{name}\" is being deleted"
                : claim.Root.Text("status", "phase") == "Bound" ? null
                : "pod has unbound immediate PersistentVolumeClaims";
            if (reason is null) continue;
            var nodes = _room.View.Nodes.Count;
            return new Placement.Nowhere($"0/{nodes} nodes are available: {reason}. preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling.", default);
        }

        return null;
    }

    /// <summary>What an equal pod was told while nothing has changed since: thousands of them need not ask every node again.</summary>
    private Placement.Nowhere? Recall(PodDemand pod)
    {
        if (_toldAt != _room.Version)
        {
            _told.Clear();
            _toldAt = _room.Version;
        }

        return !pod.LooksAtPods && !_room.HasNominations && _told.TryGetValue(pod.Signature, out var message) ? new Placement.Nowhere(message, default) : null;
    }

    private void Remember(PodDemand pod, Placement placement)
    {
        if (placement is Placement.Nowhere { Message: var message } && !pod.LooksAtPods && !_room.HasNominations) _told[pod.Signature] = message;
    }

    private bool IsPending(PodView pod) => pod.NodeName.Length == 0 && pod.IsActive && IsOurs(pod);

    /// <summary>Pods that ask for one of our names, or stand in a group of an installed back end, whatever its scheduler is called there.</summary>
    private bool IsOurs(PodView pod) => _options.SchedulerNames.Contains(SchedulingWrites.SchedulerOf(pod)) || _gangs.Of(pod) is { Object: not null };

    private void NodeChanged(StoreChange<KubeObject> change)
    {
        long before;
        lock (_gate)
        {
            before = _room.Version;
            _room.NodeChanged(change);
            if (_room.Version == before) return;
        }

        _queue.WakeParked();
    }

    private void PodChanged(StoreChange<PodView> change)
    {
        bool freed;
        lock (_gate) freed = _room.PodChanged(change);
        if (change.New is { } pod && IsPending(pod))
        {
            if (IsNews(change.Old, pod)) _queue.Add(change.Key, (int)(pod.Spec.Integer("priority") ?? 0));
        }
        else _queue.Remove(change.Key);

        if (change is { Old: { } gone, New: null }) ForgetGang(gone);

        if (freed || (_wantsCompany && change.Old?.NodeName != change.New?.NodeName)) _queue.WakeParked();
    }

    /// <summary>Why a group waits is forgotten with the last of its pods, when there is no group either.</summary>
    private void ForgetGang(PodView gone)
    {
        if (_gangs.Of(gone) is not { Object: null } gang) return;
        lock (_gate) ForgetGang(gang.Key);
    }

    /// <summary>Called under the gate.</summary>
    private void ForgetGang(string gang)
    {
        if (_caches.Pods.Store.Snapshot.CountHaving(ClusterCaches.ByGang, gang) > 0) return;
        _shortages.Remove(gang);
        _gangTries.Remove(gang);
        _gangPauses.Remove(gang);
    }

    /// <summary>Whether what the scheduler decides by has changed: its own notes on a waiting pod have not.</summary>
    private static bool IsNews(PodView? old, PodView pod) =>
        old is null || old.Meta.Uid != pod.Meta.Uid || !JsonElement.DeepEquals(old.Spec, pod.Spec) || old.Meta.Labels.Count != pod.Meta.Labels.Count || old.Meta.Labels.Except(pod.Meta.Labels).Any();

    private void GroupChanged(ResourceKind kind, ObjectKey key)
    {
        var isQueue = GangBackends.All.Any(b => b.IsQueue(kind));
        lock (_gate)
        {
            if (isQueue) _gangTries.Clear();
            else
            {
                var gang = GangBackends.Key(key.Namespace, key.Name);
                _gangTries.Remove(gang);
                if (_gangs.Find(kind, key) is null) ForgetGang(gang);
            }
        }

        if (isQueue)
        {
            _queue.WakeParked();
            return;
        }

        _statuses.Look(kind, key);
        foreach (var pod in _caches.Pods.Store.Having(ClusterCaches.ByGang, GangBackends.Key(key.Namespace, key.Name)))
        {
            if (IsPending(pod)) _queue.Add(pod.Meta.Key, (int)(pod.Spec.Integer("priority") ?? 0));
        }
    }
}
