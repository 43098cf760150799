using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Carries out what <see cref="GarbagePlanner"/> decides. Every write is bound to the state that was observed, so that a
/// decision on an outdated view is refused by the server; the object's next event then brings it up again.
/// </summary>
internal sealed class GarbageApplier(IKubeClient client)
{
    /// <summary>False when the object was not in the observed state any more.</summary>
    public async Task<bool> ApplyAsync(GarbageNode node, GarbageAction action, CancellationToken cancellation)
    {
        try
        {
            switch (action)
            {
                case GarbageAction.Delete delete:
                    await client.DeleteAsync(node.Kind, node.Key.Namespace, node.Key.Name, new DeleteOptions(node.Uid, node.ResourceVersion, Propagation: delete.Propagation), cancellation);
                    return true;
                case GarbageAction.Disown disown:
                    var kept = disown.From.Owners.Where(o => !disown.OwnerUids.Contains(o.Uid));
                    await PatchAsync(disown.From, "ownerReferences", new JsonArray([.. kept.Select(Tree)]), cancellation);
                    return true;
                case GarbageAction.RemoveFinalizer remove:
                    await PatchAsync(node, "finalizers", node.Finalizers.Where(f => f != remove.Finalizer).ToTree(), cancellation);
                    return true;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return true;
        }
        catch (ApiException e) when (e.IsConflict)
        {
            return false;
        }
    }

    /// <summary>The owner as the API server has it now; null when there is none of that name.</summary>
    public async Task<GarbageNode?> FindLiveAsync(ResourceKind kind, string ns, string name, CancellationToken cancellation)
    {
        try
        {
            return new GarbageNode(kind, (await client.GetAsync(kind, kind.Namespaced ? ns : null, name, cancellation)).Meta);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    // A merge patch, for custom resources know no strategic one; the whole list under the resourceVersion it was read at.
    private Task PatchAsync(GarbageNode node, string member, JsonArray list, CancellationToken cancellation) => client.PatchAsync(
        node.Kind, node.Key.Namespace, node.Key.Name,
        Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["uid"] = node.Uid, ["resourceVersion"] = node.ResourceVersion, [member] = list.Count > 0 ? list : null } }),
        null, cancellation);

    private static JsonObject Tree(OwnerReference owner)
    {
        var tree = new JsonObject { ["apiVersion"] = owner.ApiVersion, ["kind"] = owner.Kind, ["name"] = owner.Name, ["uid"] = owner.Uid };
        if (owner.Controller) tree["controller"] = true;
        if (owner.BlockOwnerDeletion) tree["blockOwnerDeletion"] = true;
        return tree;
    }
}
