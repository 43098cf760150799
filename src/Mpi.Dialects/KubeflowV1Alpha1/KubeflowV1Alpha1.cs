using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary><c>kubeflow.org/v1alpha1</c>: mpi-operator 0.1 and 0.2, and ksonnet's prototypes (spec/kubeflow-mpijob.md 7).</summary>
internal sealed class KubeflowV1Alpha1() : KubeflowVersion("v1alpha1")
{
    private static readonly string[] Roles = ["spec.mpiReplicaSpecs[Launcher].", "spec.mpiReplicaSpecs[Worker]."];

    public override JsonObject ToHub(JsonElement job, ConversionSettings settings) => KubeflowV1Alpha1Conversion.ToHub(job, settings);

    public override JsonObject FromHub(JsonElement job) => KubeflowV1Alpha1Conversion.FromHub(job);

    public override string GroupOf(ReadOnlySpan<string> path) => KubeflowV1Alpha1Conversion.GroupOf(path);

    public override ImmutableArray<FieldError> Faults(JsonElement job, ConversionSettings settings) => WorkerSizing.Of(job.At("spec"), settings).Faults;

    public override string PathOf(string hubPath, JsonElement job)
    {
        foreach (var role in Roles)
        {
            if (hubPath.StartsWith(role, StringComparison.Ordinal)) return $"spec.{hubPath[role.Length..]}";
        }

        return hubPath.Replace("spec.runPolicy.", "spec.", StringComparison.Ordinal);
    }
}
