using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Makes the claims of ephemeral volumes (core/v1 EphemeralVolumeSource), owned by their pod, so that they go with it. The key is the pod's.
/// A claim of that name that belongs to somebody else is left alone: the scheduler then says why the pod waits.
/// </summary>
public sealed class EphemeralVolumeController
{
    private readonly ClusterCaches _caches;
    private readonly IKubeClient _client;

    public EphemeralVolumeController(ClusterCaches caches, IKubeClient client, ControllerOptions options, TimeProvider time, Random random)
    {
        (_caches, _client) = (caches, client);
        var queue = new WorkQueue<ObjectKey>(options.Backoff, time, random);
        Loop = new ControllerLoop<ObjectKey>("controller/ephemeral-volumes", queue, ReconcileAsync, [caches.Pods.Reflector, caches.VolumeClaims.Reflector], options.Reporter("ephemeral-volumes"));
        caches.Pods.Store.Subscribe(change =>
        {
            if (change.Old?.Meta.Uid != change.New?.Meta.Uid && change.New is { } pod && pod.Claims.Any(static c => c.IsEphemeral)) queue.Add(change.Key);
        });
        caches.VolumeClaims.Store.Subscribe(change =>
        {
            // Deleted under a pod that does not run yet.
            if (change.New is null && change.Old?.Meta.Controller is { Kind: "Pod" } pod) queue.Add(change.Key with { Name = pod.Name });
        });
    }

    public ILoop Loop { get; }

    private async ValueTask<Outcome> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        if (_caches.Pods.Store.Find(key) is not { IsActive: true } pod) return Outcome.Done;
        foreach (var claim in pod.Claims)
        {
            if (!claim.IsEphemeral || _caches.VolumeClaims.Store.Find(key with { Name = claim.Name }) is not null) continue;
            await _client.CreateAsync(Kinds.PersistentVolumeClaim, Build(pod, claim), cancellation);
        }

        return Outcome.Done;
    }

    private static KubeObject Build(PodView pod, PodClaim claim)
    {
        var metadata = new JsonObject
        {
            ["name"] = claim.Name,
            ["namespace"] = pod.Meta.Namespace,
            ["ownerReferences"] = new JsonArray(OwnerReferences.Controller(pod.Object, Kinds.Pod)),
        };
        foreach (var member in (ReadOnlySpan<string>)["labels", "annotations"])
        {
            if (claim.Template.At("metadata", member) is { ValueKind: System.Text.Json.JsonValueKind.Object } map) metadata[member] = map.ToTree();
        }

        return KubeObject.From(new JsonObject
        {
            ["apiVersion"] = Kinds.PersistentVolumeClaim.ApiVersion,
            ["kind"] = Kinds.PersistentVolumeClaim.Kind,
            ["metadata"] = metadata,
            ["spec"] = claim.Template.At("spec").ToTree(),
        });
    }
}
