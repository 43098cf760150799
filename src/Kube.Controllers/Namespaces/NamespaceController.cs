using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Empties namespaces that are being deleted, then lets them go. The key is the namespace's.</summary>
public sealed class NamespaceController
{
    private const string Finalizer = "kubernetes";

    // Nothing tells when the last object of a namespace is gone: pods with their grace take the longest.
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private readonly ClusterCaches _caches;
    private readonly ServedKinds _kinds;
    private readonly IKubeClient _client;

    public NamespaceController(ClusterCaches caches, ServedKinds kinds, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _kinds, _client) = (caches, kinds, client);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/namespaces", queue, ReconcileAsync, [caches.Namespaces.Reflector, caches.CustomKinds.Reflector], options.Reporter("namespaces"));
        caches.Namespaces.Store.Subscribe(change =>
        {
            if (change.New is { Meta.DeletionTimestamp: not null }) queue.Add(change.Key);
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_caches.Namespaces.Store.Find(key) is not { Meta.DeletionTimestamp: not null } ns || !Finalizers(ns).Contains(Finalizer)) return Outcome.Done;
        var kinds = _kinds.All.Where(static k => k.Namespaced).ToList();
        var isEmpty = true;
        foreach (var kind in kinds) isEmpty &= await EmptyAsync(kind, key.Name, cancellation);
        if (!isEmpty) return new Outcome.Requeue(BetweenLooks);

        var tree = ns.ToTree();
        tree.Object("spec")["finalizers"] = Finalizers(ns).Where(static f => f != Finalizer).ToTree();
        try
        {
            await _client.UpdateAsync(Kinds.Namespace, KubeObject.From(tree), "finalize", cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // It was let go before.
        }

        return Outcome.Done;
    }

    /// <summary>Deletes what there is of a kind. True when there was nothing.</summary>
    private async Task<bool> EmptyAsync(ResourceKind kind, string ns, CancellationToken cancellation)
    {
        try
        {
            if ((await _client.ListAsync(kind, ns, new ListOptions(Limit: 1), cancellation)).Items.Count == 0) return true;
            await _client.DeleteCollectionAsync(kind, ns, new ListOptions(), new DeleteOptions(Propagation: "Background"), cancellation);
            return (await _client.ListAsync(kind, ns, new ListOptions(Limit: 1), cancellation)).Items.Count == 0;
        }
        catch (ApiException e) when (e.Status.Code is 404 or 405)
        {
            // Not served (any more), or of a kind that cannot be deleted: nothing of it can be left behind.
            return true;
        }
    }

    private static IEnumerable<string> Finalizers(KubeObject ns) => ns.Root.Items("spec", "finalizers").Select(static f => f.GetString() ?? "");
}
