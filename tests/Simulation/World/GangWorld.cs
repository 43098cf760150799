using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Planning;

namespace Simulation;

/// <summary>
/// A world with a gang scheduler: scheduler-plugins stand in for all, under the name of the scheduler that the simulated cluster has.
/// </summary>
internal static class GangWorld
{
    public static readonly ResourceKind PodGroup = GangBackend.Named("default-scheduler")!.Kinds[0];
    public static readonly SimulationOptions Options = new(11) { Planning = new PlanningOptions { GangScheduler = "default-scheduler" } };

    public static JsonObject Definition() => (JsonObject)JsonNode.Parse(
        """
        {
          "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "podgroups.scheduling.x-k8s.io"},
          "spec": {
            "group": "scheduling.x-k8s.io", "scope": "Namespaced", "names": {"kind": "PodGroup", "plural": "podgroups"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
              "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]
          }
        }
        """)!;
}
