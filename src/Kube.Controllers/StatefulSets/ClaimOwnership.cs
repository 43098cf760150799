using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// The retention policy of a StatefulSet's claims, carried out by owner references: a claim that goes with the set is owned by the
/// set, one that goes with its scaled-down pod is owned by that pod, and the garbage collector does the rest.
/// </summary>
internal static class ClaimOwnership
{
    public static ImmutableArray<(KubeObject Claim, JsonArray Owners)> Plan(ObservedStatefulSet seen, IReadOnlyDictionary<int, PodView> pods)
    {
        var changes = ImmutableArray.CreateBuilder<(KubeObject, JsonArray)>();
        foreach (var (ordinal, pod) in pods)
        {
            foreach (var (name, _) in StatefulPods.Claims(seen.Set, ordinal))
            {
                if (seen.FindClaim(name) is { Meta.DeletionTimestamp: null } claim && Change(seen.Set, pod, ordinal, claim) is { } owners) changes.Add((claim, owners));
            }
        }

        return changes.ToImmutable();
    }

    /// <summary>The owners that the claim is to have; null when it has them.</summary>
    private static JsonArray? Change(StatefulSetView set, PodView pod, int ordinal, KubeObject claim)
    {
        var condemned = !set.Wants(ordinal);
        var byPod = set.DeletesClaimsWhenScaled && condemned;
        var bySet = set.DeletesClaimsWithSet && !byPod;
        var owners = claim.Meta.OwnerReferences;
        var hasPod = owners.Any(o => o.Uid == pod.Meta.Uid);
        var hasSet = owners.Any(o => o.Uid == set.Meta.Uid);
        if (hasPod == byPod && hasSet == bySet) return null;

        var tree = new JsonArray([.. claim.Root.Items("metadata", "ownerReferences")
            .Where(o => o.Text("uid") != pod.Meta.Uid && o.Text("uid") != set.Meta.Uid).Select(static o => o.ToTree())]);
        if (byPod) tree.Add((JsonNode)Reference("v1", "Pod", pod.Meta, controller: true));
        if (bySet) tree.Add((JsonNode)Reference(Kinds.StatefulSet.ApiVersion, Kinds.StatefulSet.Kind, set.Meta, controller: true));
        return tree;
    }

    private static JsonObject Reference(string apiVersion, string kind, ObjectMeta owner, bool controller) =>
        new() { ["apiVersion"] = apiVersion, ["kind"] = kind, ["name"] = owner.Name, ["uid"] = owner.Uid, ["controller"] = controller };
}
