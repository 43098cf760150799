using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>Definitions of gang schedulers' kinds that take everything: what such a scheduler makes of its groups is its own.</summary>
internal static class GangDefinitions
{
    /// <summary>
    /// kube-batch's, whose MPI objects run in a gang unless they say otherwise; the scheduler here knows how. Those of other gang schedulers come with
    /// whoever wants them.
    /// </summary>
    public static ImmutableArray<KubeObject> KubeBatch { get; } =
    [
        Of([new ResourceKind("scheduling.incubator.k8s.io", "v1alpha1", "PodGroup", "podgroups")], "the local cluster's scheduler takes its part"),
        Of([new ResourceKind("scheduling.incubator.k8s.io", "v1alpha1", "Queue", "queues", Namespaced: false)], "the local cluster's scheduler takes its part"),
    ];

    /// <param name="versions">Of one kind, the stored one first.</param>
    /// <param name="reason">Kubernetes' own domains ask for a word on who allowed a kind.</param>
    public static KubeObject Of(ImmutableArray<ResourceKind> versions, string reason)
    {
        var (first, served) = (versions[0], new JsonArray());
        foreach (var kind in versions)
        {
            served.Add((JsonNode)new JsonObject
            {
                ["name"] = kind.Version,
                ["served"] = true,
                ["storage"] = kind == first,
                ["schema"] = new JsonObject { ["openAPIV3Schema"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true } },
            });
        }

        return KubeObject.From(new JsonObject
        {
            ["apiVersion"] = Kinds.CustomResourceDefinition.ApiVersion,
            ["kind"] = Kinds.CustomResourceDefinition.Kind,
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{first.Plural}.{first.Group}",
                ["annotations"] = new JsonObject { ["api-approved.kubernetes.io"] = $"unapproved, {reason}" },
            },
            ["spec"] = new JsonObject
            {
                ["group"] = first.Group,
                ["scope"] = first.Namespaced ? "Namespaced" : "Cluster",
                ["names"] = new JsonObject { ["kind"] = first.Kind, ["plural"] = first.Plural },
                ["versions"] = served,
            },
        });
    }
}
