using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Watches over nodes: heartbeats, conditions and the taints that follow (<see cref="NodeLifecyclePlanner"/>). The key is the node's name.</summary>
public sealed class NodeLifecycleController
{
    private const string LeaseNamespace = "kube-node-lease";

    // When each node's lease was last seen to move: the clocks of nodes are not trusted.
    private readonly Dictionary<string, (string Renewal, DateTimeOffset At)> _heard = new(StringComparer.Ordinal);
    private readonly ClusterCaches _caches;
    private readonly Cache<KubeObject> _leases;
    private readonly IKubeClient _client;
    private readonly EventRecorder _events;
    private readonly TimeProvider _time;

    public NodeLifecycleController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _time) = (caches, client, time);
        _leases = caches.Leases;
        _events = new EventRecorder(caches, client, time, random, "node-controller");
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/node-lifecycle", queue, ReconcileAsync, [caches.Nodes.Reflector, caches.Leases.Reflector, caches.Pods.Reflector], options.Reporter("node-lifecycle"));
        caches.Nodes.Store.Subscribe(change => queue.Add(change.Key));
        caches.Leases.Store.Subscribe(change => queue.Add(new ObjectKey("", change.Key.Name)));
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_caches.Nodes.Store.Find(key) is not { Meta.DeletionTimestamp: null } node)
        {
            _heard.Remove(key.Name);
            return Outcome.Done;
        }

        var now = _time.GetUtcNow();
        var lease = _leases.Store.Find(new ObjectKey(LeaseNamespace, key.Name));
        var plan = NodeLifecyclePlanner.Plan(new ObservedNode(node, lease, Heard(key.Name, lease, now), now));
        if (plan.Conditions is { } conditions)
        {
            await PatchAsync(node, new JsonObject { ["status"] = new JsonObject { ["conditions"] = conditions } }, "status", cancellation);
            await _events.RecordAsync(node, "Normal", "NodeNotReady", $"Node {key.Name} status is now: NodeNotReady", cancellation);
        }

        if (plan.Taints is { } taints) await PatchAsync(node, new JsonObject { ["spec"] = new JsonObject { ["taints"] = taints } }, null, cancellation);
        if (plan.IsLost) await MarkPodsAsync(key.Name, now, cancellation);
        return Pass.RevisitAt(plan.Again, now);
    }

    private DateTimeOffset Heard(string name, KubeObject? lease, DateTimeOffset now)
    {
        var renewal = lease?.Root.Text("spec", "renewTime") ?? "";
        if (_heard.TryGetValue(name, out var heard) && heard.Renewal == renewal) return heard.At;
        _heard[name] = (renewal, now);
        return now;
    }

    /// <summary>Pods of a silent node are no longer known to be ready.</summary>
    private async Task MarkPodsAsync(string name, DateTimeOffset now, CancellationToken cancellation)
    {
        foreach (var pod in _caches.Pods.Store.Having(ClusterCaches.ByNode, name).Where(static p => p.IsReady && !p.IsFinished))
        {
            var patch = new JsonObject
            {
                ["metadata"] = new JsonObject { ["uid"] = pod.Meta.Uid },
                ["status"] = new JsonObject { ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "False", ["lastTransitionTime"] = KubeTime.Format(now) }) },
            };
            try
            {
                await _client.PatchAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Strategic(patch), "status", cancellation);
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict)
            {
                // Gone meanwhile.
            }
        }
    }

    private async Task PatchAsync(KubeObject node, JsonObject change, string? subresource, CancellationToken cancellation)
    {
        change["metadata"] = new JsonObject { ["uid"] = node.Meta.Uid };
        try
        {
            await _client.PatchAsync(Kinds.Node, null, node.Meta.Name, Patch.Merge(change), subresource, cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // The node was taken out meanwhile.
        }
    }
}
