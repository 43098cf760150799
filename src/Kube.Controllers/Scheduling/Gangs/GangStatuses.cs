using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Writes into the groups' objects how they fare, each as its back end does. The key is a group's kind and name.</summary>
internal sealed class GangStatuses
{
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly GangGroups _groups;
    private readonly Func<string, GangShortage?> _shortage;
    private readonly TimeProvider _time;
    private readonly WorkQueue<(ResourceKind Kind, ObjectKey Key)> _queue;

    /// <param name="shortage">Why a group waits, by its key; null when it does not.</param>
    public GangStatuses(ClusterCaches caches, IKubeClient client, GangGroups groups, Func<string, GangShortage?> shortage, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client, _groups, _shortage, _time) = (caches, client, groups, shortage, time);
        _queue = new WorkQueue<(ResourceKind, ObjectKey)>(options.Backoff, time, random);
        Loop = new ControllerLoop<(ResourceKind Kind, ObjectKey Key)>("controller/pod-groups", _queue, ReconcileAsync, [caches.Pods.Reflector], options.Reporter<(ResourceKind, ObjectKey)>("pod-groups"));
        caches.Pods.Store.Subscribe(change =>
        {
            if ((change.New ?? change.Old) is { } pod && groups.Of(pod) is { } gang) Look(gang.Kind, new ObjectKey(pod.Meta.Namespace, gang.Key[(pod.Meta.Namespace.Length + 1)..]));
        });
    }

    public ILoop Loop { get; }

    public void Look(ResourceKind kind, ObjectKey key) => _queue.Add((kind, key));

    private async ValueTask<Outcome> ReconcileAsync((ResourceKind Kind, ObjectKey Key) of, CancellationToken cancellation)
    {
        if (_groups.Find(of.Kind, of.Key) is not { Meta.DeletionTimestamp: null } group) return Outcome.Done;
        var backend = GangBackends.All.First(b => b.IsGroup(of.Kind));
        var count = GangCount.Of(_caches.Pods.Store.Having(ClusterCaches.ByGang, GangBackends.Key(of.Key.Namespace, of.Key.Name)).Where(p => backend.GroupOf(p) == of.Key.Name));
        var wish = backend.Read(group);
        if (backend.Status(group, of.Kind, wish, count, _shortage(GangBackends.Key(of.Key.Namespace, of.Key.Name)), _time.GetUtcNow()) is not { } status) return Outcome.Done;
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = group.Meta.Uid, ["resourceVersion"] = group.Meta.ResourceVersion }, ["status"] = status };
        try
        {
            await _client.PatchAsync(of.Kind, of.Key.Namespace, of.Key.Name, Patch.Merge(patch), "status", cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // A definition without the subresource: there the status is a member like any other.
            await _client.PatchAsync(of.Kind, of.Key.Namespace, of.Key.Name, Patch.Merge(patch), null, cancellation);
        }

        return Outcome.Done;
    }
}
