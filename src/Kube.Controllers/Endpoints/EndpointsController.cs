using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Keeps the Endpoints and EndpointSlices of Services with a selector (<see cref="EndpointsPlanner"/>). The key is the Service's.</summary>
public sealed class EndpointsController
{
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;
    private readonly ServiceSelections _selections;

    public EndpointsController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client) = (caches, client);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>(
            "controller/endpoints", queue, ReconcileAsync,
            [caches.Services.Reflector, caches.Pods.Reflector, caches.Endpoints.Reflector, caches.EndpointSlices.Reflector],
            options.Reporter("endpoints"));
        _selections = new ServiceSelections(caches.Pods.Store);
        caches.Remembered.Add("endpoints", () => _selections.Count);
        caches.Services.Store.Subscribe(change =>
        {
            _selections.ServiceChanged(change);
            queue.Add(change.Key);
        });
        caches.Endpoints.Store.Subscribe(change => queue.Add(change.Key));
        caches.EndpointSlices.Store.Subscribe(change =>
        {
            foreach (var slice in new[] { change.Old, change.New })
            {
                if (slice?.Meta.Labels.TryGetValue("kubernetes.io/service-name", out var service) == true) queue.Add(new ObjectKey(change.Key.Namespace, service));
            }
        });
        caches.Pods.Store.Subscribe(change =>
        {
            foreach (var service in _selections.PodChanged(change)) queue.Add(service);
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        var endpoints = _caches.Endpoints.Store.Find(key);
        if (_caches.Services.Store.Find(key) is not { Meta.DeletionTimestamp: null } service)
        {
            // EndpointSlices are owned by the Service and go by garbage collection; Endpoints know no owner.
            if (endpoints is { } left && left.Meta.Labels.GetValueOrDefault(ManagedLabel) == ManagedValue) await DeleteAsync(Kinds.Endpoints, left, cancellation);
            return Outcome.Done;
        }

        // A Service without selector has its Endpoints written by somebody else.
        if (!service.Root.Members("spec", "selector").Any()) return Outcome.Done;
        var known = _caches.Pods.Store.Snapshot;
        var pods = _selections.PodsOf(service).Select(known.Find).OfType<PodView>().ToList();

        var wanted = EndpointsPlanner.Endpoints(service, pods);
        wanted.Object("metadata").Object("labels")[ManagedLabel] = ManagedValue;
        await BringAsync(Kinds.Endpoints, endpoints, wanted, ["subsets"], cancellation);

        var slices = _caches.EndpointSlices.Store.Having(ClusterCaches.SlicesByService, key.ToString())
            .Where(static s => s.Meta.Labels.GetValueOrDefault("endpointslice.kubernetes.io/managed-by") == EndpointsPlanner.ManagedBy)
            .ToDictionary(static s => s.Meta.Name, StringComparer.Ordinal);
        foreach (var slice in EndpointsPlanner.Slices(service, pods))
        {
            slices.Remove((string)slice["metadata"]!["name"]!, out var present);
            await BringAsync(Kinds.EndpointSlice, present, slice, ["endpoints", "ports"], cancellation);
        }

        foreach (var surplus in slices.Values) await DeleteAsync(Kinds.EndpointSlice, surplus, cancellation);
        return Outcome.Done;
    }

    // As Kubernetes marks the Endpoints that its own controller writes (since 1.33).
    private const string ManagedLabel = "endpoints.kubernetes.io/managed-by";
    private const string ManagedValue = "endpoint-controller";

    private async Task BringAsync(ResourceKind kind, KubeObject? present, JsonObject wanted, string[] members, CancellationToken cancellation)
    {
        if (present is null)
        {
            await _client.CreateAsync(kind, KubeObject.From(wanted), cancellation);
            return;
        }

        var target = KubeObject.From(wanted);
        var isSame = members.All(m => Same(present.Root.At(m), target.Root.At(m))) && Same(present.Root.At("metadata", "labels"), target.Root.At("metadata", "labels"));
        if (isSame) return;

        var tree = present.ToTree();
        foreach (var member in members)
        {
            if (target.Root.Has(member)) tree[member] = target.Root.At(member).ToTree();
            else tree.Remove(member);
        }

        tree.Object("metadata")["labels"] = target.Root.At("metadata", "labels").ToTree();
        await _client.UpdateAsync(kind, KubeObject.From(tree), null, cancellation);
    }

    private async Task DeleteAsync(ResourceKind kind, KubeObject obj, CancellationToken cancellation)
    {
        try
        {
            await _client.DeleteAsync(kind, obj.Meta.Namespace, obj.Meta.Name, new DeleteOptions(Uid: obj.Meta.Uid), cancellation);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or made anew: then it comes up again by its own event.
        }
    }

    private static bool Same(JsonElement a, JsonElement b) => a.ValueKind == JsonValueKind.Undefined || b.ValueKind == JsonValueKind.Undefined
        ? a.ValueKind == b.ValueKind
        : JsonElement.DeepEquals(a, b);
}
