using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Binds pods to nodes (<see cref="SchedulingPlanner"/>). The key is the pod's. What nodes have left is kept up to date with
/// every change, and a pod that was bound counts from that moment on, not from the moment its event arrives.
/// </summary>
public sealed class Scheduler
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, NodeState> _nodes = new(StringComparer.Ordinal);
    private readonly HashSet<ObjectKey> _unschedulable = [];

    // Which node holds room for a pod, by the pod's UID.
    private readonly Dictionary<string, NodeState> _homes = new(StringComparer.Ordinal);
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly EventRecorder _events;
    private readonly ControllerOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly WorkQueue<ObjectKey> _queue;

    public Scheduler(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _options, _time, _random) = (caches, client, options, time, random);
        _events = new EventRecorder(client, time, random, options.SchedulerName);
        _queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/scheduler", _queue, ReconcileAsync, [caches.Nodes.Reflector, caches.Pods.Reflector], options.Reporter("scheduler"));
        caches.Nodes.Store.Subscribe(NodeChanged);
        caches.Pods.Store.Subscribe(PodChanged);
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_caches.Pods.Store.Find(key) is not { } pod || !IsPending(pod)) return Outcome.Done;
        if (pod.Spec.Items("schedulingGates").Any())
        {
            await TellUnschedulableAsync(pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates", cancellation);
            return Outcome.Done;
        }

        var demand = new PodDemand(pod);
        Placement placement;
        lock (_gate)
        {
            Release(pod.Meta.Uid);
            placement = SchedulingPlanner.Place(demand, _nodes.Values, _random);
            if (placement is Placement.OnNode chosen) Take(chosen.Node, demand);
            else _unschedulable.Add(key);
        }

        switch (placement)
        {
            case Placement.OnNode { Node: var node }:
                await BindAsync(pod, node, cancellation);
                break;
            case Placement.Nowhere { Message: var message }:
                if (await TellUnschedulableAsync(pod, "Unschedulable", message, cancellation)) await _events.RecordAsync(pod.Object, "Warning", "FailedScheduling", message, cancellation);
                break;
        }

        return Outcome.Done;
    }

    private async Task BindAsync(PodView pod, NodeState node, CancellationToken cancellation)
    {
        var name = node.Node.Meta.Name;
        try
        {
            await _client.CreateAsync(BindingOf(pod), KubeObject.From(new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Binding",
                ["metadata"] = new JsonObject { ["name"] = pod.Meta.Name, ["namespace"] = pod.Meta.Namespace, ["uid"] = pod.Meta.Uid },
                ["target"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = name },
            }), cancellation);
        }
        catch (ApiException e)
        {
            // Refused: the room is free again. Any other failure may have landed; then the pod's event settles the account.
            lock (_gate) Release(pod.Meta.Uid);
            if (e.IsNotFound || e.Status.Code == 409) return;
            throw;
        }

        await _events.RecordAsync(pod.Object, "Normal", "Scheduled", $"Successfully assigned {pod.Meta.Key} to {name}", cancellation);
    }

    // The API takes a binding at the pod's subresource of that name.
    private static ResourceKind BindingOf(PodView pod) => new("", "v1", "Binding", $"pods/{pod.Meta.Name}/binding");

    /// <summary>Writes the condition PodScheduled. False when it says so already.</summary>
    private async Task<bool> TellUnschedulableAsync(PodView pod, string reason, string message, CancellationToken cancellation)
    {
        var told = pod.Status.Items("conditions").FirstOrDefault(static c => c.Text("type") == "PodScheduled");
        if (told.Text("status") == "False" && told.Text("reason") == reason && told.Text("message") == message) return false;
        var condition = new JsonObject
        {
            ["type"] = "PodScheduled",
            ["status"] = "False",
            ["reason"] = reason,
            ["message"] = message,
            ["lastProbeTime"] = null,
            ["lastTransitionTime"] = told.Text("status") == "False" ? told.Text("lastTransitionTime") : KubeTime.Format(_time.GetUtcNow()),
        };
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Meta.Uid }, ["status"] = new JsonObject { ["conditions"] = new JsonArray(condition) } };
        try
        {
            await _client.PatchAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Strategic(patch), "status", cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            return false;
        }
    }

    private bool IsPending(PodView pod) =>
        pod.NodeName.Length == 0 && pod.IsActive && (pod.Spec.Text("schedulerName") ?? "default-scheduler") == _options.SchedulerName;

    private void NodeChanged(StoreChange<KubeObject> change)
    {
        lock (_gate)
        {
            if (change.New is not { } node) _nodes.Remove(change.Key.Name);
            else if (_nodes.TryGetValue(change.Key.Name, out var known)) known.Update(node);
            else
            {
                var state = _nodes[change.Key.Name] = new NodeState(node);
                foreach (var pod in _caches.Pods.Store.Having(ClusterCaches.ByNode, change.Key.Name).Where(static p => !p.IsFinished)) Take(state, new PodDemand(pod));
            }
        }

        RetryUnschedulable();
    }

    private void PodChanged(StoreChange<PodView> change)
    {
        var released = false;
        lock (_gate)
        {
            if (change.Old is { } old && (change.New is not { IsFinished: false } || change.New.Meta.Uid != old.Meta.Uid)) released = Release(old.Meta.Uid);
            if (change.New is { IsFinished: false, NodeName.Length: > 0 } bound && _nodes.TryGetValue(bound.NodeName, out var home)
                && _homes.GetValueOrDefault(bound.Meta.Uid) != home)
            {
                Release(bound.Meta.Uid);
                Take(home, new PodDemand(bound));
            }

            if (change.New is null || !IsPending(change.New)) _unschedulable.Remove(change.Key);
        }

        if (change.New is { } pod && IsPending(pod)) _queue.Add(change.Key);
        if (released) RetryUnschedulable();
    }

    private void Take(NodeState node, PodDemand demand)
    {
        node.Take(demand);
        _homes[demand.Pod.Meta.Uid] = node;
    }

    private bool Release(string podUid)
    {
        if (!_homes.Remove(podUid, out var node)) return false;
        node.Release(podUid);
        return true;
    }

    /// <summary>Room has appeared somewhere: those that found none look again.</summary>
    private void RetryUnschedulable()
    {
        lock (_gate)
        {
            foreach (var key in _unschedulable.Order()) _queue.Add(key);
            _unschedulable.Clear();
        }
    }
}
