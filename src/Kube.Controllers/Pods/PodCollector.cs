using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Ends pods that have no kubelet to end them: deleted before they were bound, or left on a node that is gone. The key is
/// the pod's.
/// </summary>
public sealed class PodCollector
{
    // A node may be re-registered: Kubernetes waits so long before it gives the node's pods up.
    private static readonly TimeSpan NodeQuarantine = TimeSpan.FromSeconds(40);

    private readonly Dictionary<ObjectKey, DateTimeOffset> _missedSince = [];
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly TimeProvider _time;

    public PodCollector(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _time) = (caches, client, time);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/pod-collector", queue, ReconcileAsync, [caches.Pods.Reflector, caches.Nodes.Reflector], options.Reporter("pod-collector"));
        caches.Remembered.Add("pod-collector", () => _missedSince.Count);
        caches.Pods.Store.Subscribe(change =>
        {
            var isNews = change.Old?.NodeName != change.New?.NodeName || change.Old?.IsTerminating != change.New?.IsTerminating;
            if (isNews) queue.Add(change.Key);
        });
        caches.Nodes.Store.Subscribe(change =>
        {
            if (change.Old is not null && change.New is not null) return;
            foreach (var pod in caches.Pods.Store.Having(ClusterCaches.ByNode, change.Key.Name)) queue.Add(pod.Meta.Key);
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        var pod = _caches.Pods.Store.Find(key);
        if (pod is { NodeName.Length: 0, IsTerminating: true })
        {
            await EndAsync(pod, null, cancellation);
        }
        else if (pod is { NodeName.Length: > 0 } && _caches.Nodes.Store.Find(new ObjectKey("", pod.NodeName)) is null)
        {
            var now = _time.GetUtcNow();
            _missedSince.TryAdd(key, now);
            var until = _missedSince[key] + NodeQuarantine;
            if (until > now) return new Outcome.Requeue(until - now);
            if (await ExistsAsync(pod.NodeName, cancellation)) return Outcome.Done;
            await EndAsync(pod, "PodGC: node no longer exists", cancellation);
        }

        _missedSince.Remove(key);
        return Outcome.Done;
    }

    private async Task<bool> ExistsAsync(string node, CancellationToken cancellation)
    {
        try
        {
            await _client.GetAsync(Kinds.Node, null, node, cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>Marks a pod Failed, for those who count it, and takes it away.</summary>
    private async Task EndAsync(PodView pod, string? disruption, CancellationToken cancellation)
    {
        try
        {
            if (!pod.IsFinished)
            {
                var status = new JsonObject { ["phase"] = "Failed" };
                if (disruption is not null)
                {
                    status["conditions"] = new JsonArray(new JsonObject
                    {
                        ["type"] = "DisruptionTarget",
                        ["status"] = "True",
                        ["reason"] = "DeletionByPodGC",
                        ["message"] = disruption,
                        ["lastTransitionTime"] = KubeTime.Format(_time.GetUtcNow()),
                    });
                }

                var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Meta.Uid }, ["status"] = status };
                await _client.PatchAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Strategic(patch), "status", cancellation);
            }

            await _client.DeleteAsync(Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, new DeleteOptions(pod.Meta.Uid, GracePeriod: TimeSpan.Zero), cancellation);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or another pod bears its name by now.
        }
    }
}
