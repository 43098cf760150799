using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary><c>kubeflow.org/v1alpha2</c>: mpi-operator 0.2 and 0.3 (spec/kubeflow-mpijob.md 6).</summary>
internal sealed class KubeflowV1Alpha2() : KubeflowVersion("v1alpha2")
{
    public override JsonObject ToHub(JsonElement job, ConversionSettings settings) => KubeflowV1Alpha2Conversion.ToHub(job, settings);

    public override JsonObject FromHub(JsonElement job) => KubeflowV1Alpha2Conversion.FromHub(job);

    public override string GroupOf(ReadOnlySpan<string> path) => KubeflowV1Alpha2Conversion.GroupOf(path);

    public override string PathOf(string hubPath, JsonElement job)
    {
        if (hubPath == "spec.mpiImplementation") return "spec.mpiDistribution";
        var field = hubPath[(hubPath.LastIndexOf('.') + 1)..];
        return hubPath == $"spec.runPolicy.{field}" && !job.Has("spec", "runPolicy", field) && job.Has("spec", field) ? $"spec.{field}" : hubPath;
    }
}
