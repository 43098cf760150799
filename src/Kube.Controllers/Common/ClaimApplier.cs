using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Carries out <see cref="Claims{T}"/>: sets and takes away controller references.</summary>
internal sealed class ClaimApplier(IKubeClient client, TimeProvider time)
{
    /// <param name="finalizer">Set on what is adopted and taken off what is let go; null for none.</param>
    /// <returns>Whether anything was changed: the next pass then sees it.</returns>
    public async Task<bool> ApplyAsync<T>(
        KubeObject owner, ResourceKind ownerKind, ResourceKind kind, Claims<T> claims, Func<T, ObjectMeta> meta, OwnWrites writes, string? finalizer, CancellationToken cancellation)
        where T : class
    {
        if (claims.Adopt.IsEmpty && claims.Release.IsEmpty) return false;

        // Only the server can say that the owner still exists: a store that lags behind would adopt for one that is gone.
        if (!claims.Adopt.IsEmpty && !await IsLiveAsync(owner, ownerKind, cancellation)) return true;
        foreach (var item in claims.Adopt)
        {
            var metadata = new JsonObject { ["uid"] = meta(item).Uid, ["ownerReferences"] = new JsonArray(OwnerReferences.Controller(owner, ownerKind)) };
            if (finalizer is not null) metadata["finalizers"] = new JsonArray((JsonNode)finalizer);
            await PatchAsync(kind, meta(item), metadata, writes, cancellation);
        }

        foreach (var item in claims.Release)
        {
            var metadata = new JsonObject { ["uid"] = meta(item).Uid, ["ownerReferences"] = new JsonArray(new JsonObject { ["$patch"] = "delete", ["uid"] = owner.Meta.Uid }) };
            if (finalizer is not null) metadata["$deleteFromPrimitiveList/finalizers"] = new JsonArray((JsonNode)finalizer);
            await PatchAsync(kind, meta(item), metadata, writes, cancellation);
        }

        return true;
    }

    private async Task<bool> IsLiveAsync(KubeObject owner, ResourceKind kind, CancellationToken cancellation)
    {
        try
        {
            var live = await client.GetAsync(kind, owner.Meta.Namespace, owner.Meta.Name, cancellation);
            return live.Meta.Uid == owner.Meta.Uid && live.Meta.DeletionTimestamp is null;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private async Task PatchAsync(ResourceKind kind, ObjectMeta of, JsonObject metadata, OwnWrites writes, CancellationToken cancellation)
    {
        try
        {
            var patched = await client.PatchAsync(kind, of.Namespace, of.Name, Patch.Strategic(new JsonObject { ["metadata"] = metadata }), null, cancellation);
            writes.Add(kind, patched, time.GetUtcNow());
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict || e.Status.Code == 422)
        {
            // Gone, another of its name, or adopted by somebody else (a second controller is invalid): its event tells.
        }
    }
}
