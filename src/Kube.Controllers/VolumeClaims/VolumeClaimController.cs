using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Binds volume claims: each gets a volume of its own at once, a folder that the node makes when a pod first uses it. A claim that
/// pods still use stays until the last of them has ended. The key is the claim's.
/// </summary>
/// <remarks>There are no PersistentVolume objects: on one machine nothing chooses among volumes (docs/kubernetes/controllers.md).</remarks>
public sealed class VolumeClaimController
{
    private const string ProtectionFinalizer = "kubernetes.io/pvc-protection";

    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;

    public VolumeClaimController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client) = (caches, client);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/volume-claims", queue, ReconcileAsync, [caches.VolumeClaims.Reflector, caches.Pods.Reflector], options.Reporter("volume-claims"));
        caches.VolumeClaims.Store.Subscribe(change => queue.Add(change.Key));
        caches.Pods.Store.Subscribe(change =>
        {
            // A pod that lets go of its claims may be the last one that held them.
            if (change.Old is not { IsFinished: false } user || change.New is { IsFinished: false }) return;
            foreach (var claim in user.Claims) queue.Add(change.Key with { Name = claim.Name });
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_caches.VolumeClaims.Store.Find(key) is not { } claim) return Outcome.Done;
        if (claim.Meta.DeletionTimestamp is not null)
        {
            if (claim.Meta.Finalizers.Contains(ProtectionFinalizer) && !IsUsed(key)) await ReleaseAsync(claim, cancellation);
            return Outcome.Done;
        }

        if (claim.Root.Text("status", "phase") != "Bound") await BindAsync(claim, cancellation);
        return Outcome.Done;
    }

    private async Task BindAsync(KubeObject claim, CancellationToken cancellation)
    {
        var tree = claim.ToTree();
        if (string.IsNullOrEmpty(claim.Root.Text("spec", "volumeName")))
        {
            tree.Object("spec")["volumeName"] = $"pvc-{claim.Meta.Uid}";
            tree.Object("metadata").Object("annotations")["pv.kubernetes.io/bind-completed"] = "yes";
            tree.Object("metadata").Object("annotations")["pv.kubernetes.io/bound-by-controller"] = "yes";
            tree = (await _client.UpdateAsync(Kinds.PersistentVolumeClaim, KubeObject.From(tree), null, cancellation)).ToTree();
        }

        tree["status"] = new JsonObject
        {
            ["phase"] = "Bound",
            ["accessModes"] = claim.Root.At("spec", "accessModes").ToTree(),
            ["capacity"] = claim.Root.At("spec", "resources", "requests").ToTree(),
        };
        await _client.UpdateAsync(Kinds.PersistentVolumeClaim, KubeObject.From(tree), "status", cancellation);
    }

    private async Task ReleaseAsync(KubeObject claim, CancellationToken cancellation)
    {
        var tree = claim.ToTree();
        tree.Object("metadata")["finalizers"] = claim.Meta.Finalizers.Where(static f => f != ProtectionFinalizer).ToTree();
        try
        {
            await _client.UpdateAsync(Kinds.PersistentVolumeClaim, KubeObject.From(tree), null, cancellation);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Let go by somebody else.
        }
    }

    private bool IsUsed(ObjectKey claim) =>
        _caches.Pods.Store.Having(ClusterCaches.PodsByNamespace, claim.Namespace).Any(p => !p.IsFinished && p.Claims.Any(c => c.Name == claim.Name));
}
