using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Throws pods off nodes with NoExecute taints that they do not tolerate, or no longer: a toleration may last for some seconds
/// only, from the moment the taint is seen. The key is the pod's.
/// </summary>
public sealed class TaintEviction
{
    // When each pod was first seen on its node with the taints it has.
    private readonly Dictionary<ObjectKey, (string Uid, string Taints, DateTimeOffset Since)> _since = [];
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly EventRecorder _events;
    private readonly TimeProvider _time;

    public TaintEviction(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _time) = (caches, client, time);
        _events = new EventRecorder(caches, client, time, random, "taint-eviction-controller");
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/taint-eviction", queue, ReconcileAsync, [caches.Nodes.Reflector, caches.Pods.Reflector], options.Reporter("taint-eviction"));
        caches.Remembered.Add("taint-eviction", () => _since.Count);
        caches.Nodes.Store.Subscribe(change =>
        {
            if (Taints(change.Old).Length == 0 && Taints(change.New).Length == 0) return;
            foreach (var pod in caches.Pods.Store.Having(ClusterCaches.ByNode, change.Key.Name)) queue.Add(pod.Meta.Key);
        });
        caches.Pods.Store.Subscribe(change =>
        {
            var isNews = change.New is null || change.Old?.NodeName != change.New.NodeName || change.Old.Meta.Uid != change.New.Meta.Uid;
            if (isNews) queue.Add(change.Key);
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        var pod = _caches.Pods.Store.Find(key);
        var taints = pod is { IsTerminating: false, IsFinished: false, NodeName.Length: > 0 } ? Taints(_caches.Nodes.Store.Find(new ObjectKey("", pod.NodeName))) : [];
        if (pod is null || taints.Length == 0)
        {
            if (_since.Remove(key, out var before) && pod is { IsTerminating: false, IsFinished: false } && before.Uid == pod.Meta.Uid)
            {
                await _events.RecordAsync(pod.Object, "Normal", "TaintManagerEviction", $"Cancelling deletion of Pod {key}", cancellation);
            }

            return Outcome.Done;
        }

        var now = _time.GetUtcNow();
        var text = string.Join(',', taints.Select(static t => $"{t.Key}={t.Value}"));
        if (!_since.TryGetValue(key, out var seen) || seen.Uid != pod.Meta.Uid || seen.Taints != text) _since[key] = seen = (pod.Meta.Uid, text, now);

        // What tolerates every taint for ever stays; else the shortest patience counts, and there is none for a taint untolerated.
        var tolerations = pod.Spec.Items("tolerations").Select(Toleration.Read).ToList();
        long? patience = null;
        foreach (var taint in taints)
        {
            var matching = tolerations.Where(t => t.Tolerates(taint)).ToList();
            if (matching.Count == 0) patience = 0;
            else if (matching.Min(static t => t.Seconds) is { } seconds) patience = Math.Min(patience ?? long.MaxValue, Math.Max(0, seconds));
        }

        if (patience is not { } left) return Outcome.Done;
        var due = seen.Since + TimeSpan.FromSeconds(Math.Min(left, int.MaxValue));
        if (due > now) return new Outcome.Requeue(due - now);
        await EvictAsync(pod, now, cancellation);
        _since.Remove(key);
        return Outcome.Done;
    }

    private async Task EvictAsync(PodView pod, DateTimeOffset now, CancellationToken cancellation)
    {
        await _events.RecordAsync(pod.Object, "Normal", "TaintManagerEviction", $"Marking for deletion Pod {pod.Meta.Key}", cancellation);
        var condition = new JsonObject
        {
            ["type"] = "DisruptionTarget", ["status"] = "True", ["reason"] = "DeletionByTaintManager",
            ["message"] = "Taint manager: deleting due to NoExecute taint", ["lastTransitionTime"] = KubeTime.Format(now),
        };
        try
        {
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Meta.Uid }, ["status"] = new JsonObject { ["conditions"] = new JsonArray(condition) } };
            await _client.PatchAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Strategic(patch), "status", cancellation);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            return;
        }

        await Deletion.IfThereAsync(_client, Kinds.Pod, pod.Meta, cancellation);
    }

    private static Taint[] Taints(KubeObject? node) =>
        node is null ? [] : [.. node.Root.Items("spec", "taints").Select(Taint.Read).Where(static t => t.Effect == "NoExecute")];
}
