using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary><c>kubeflow.org/v1alpha2</c>: mpi-operator 0.2 and 0.3 (spec/kubeflow-mpijob.md 6).</summary>
internal sealed class KubeflowV1Alpha2() : KubeflowVersion("v1alpha2")
{
    /// <summary>Spec 6.1.</summary>
    public override string Fields => """
        MPIJobV1Alpha2 apiVersion kind metadata:ObjectMeta spec:MPIJobSpecV1Alpha2 status:any
        MPIJobSpecV1Alpha2 slotsPerWorker:i backoffLimit:i activeDeadlineSeconds:i cleanPodPolicy mainContainer mpiDistribution runPolicy:RunPolicy mpiReplicaSpecs:ReplicaSpecs
        """;

    public override JsonObject ToHub(JsonElement job, ConversionSettings settings) => KubeflowV1Alpha2Conversion.ToHub(job, settings);

    public override JsonObject FromHub(JsonElement job) => KubeflowV1Alpha2Conversion.FromHub(job);

    public override string GroupOf(ReadOnlySpan<string> path) => KubeflowV1Alpha2Conversion.GroupOf(path);

    public override string PathOf(string hubPath, JsonElement job)
    {
        if (hubPath == "spec.mpiImplementation") return "spec.mpiDistribution";
        var field = hubPath[(hubPath.LastIndexOf('.') + 1)..];
        return hubPath == $"spec.runPolicy.{field}" && !job.Has("spec", "runPolicy", field) && job.Has("spec", field) ? $"spec.{field}" : hubPath;
    }

    public override RunProfile Profile(RunProfile hub) => KubeflowV1Alpha2Profile.Of(hub);

    public override MpiRun Run(MpiRun run, JsonElement job) => KubeflowV1Alpha2Profile.Run(run, job);

    public override RunWiring Wiring(MpiRun run) => KubeflowV1Alpha2Profile.Wiring(run);

    public override bool SaysRestarting => true;
}
