using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary><c>kubeflow.org/v1</c>: mpi-operator 0.2.3 and 0.3, then training-operator (spec/kubeflow-mpijob.md 5).</summary>
internal sealed class KubeflowV1() : KubeflowVersion("v1")
{
    /// <summary>Spec 5.1.</summary>
    public override string Fields => """
        MPIJobV1 apiVersion kind metadata:ObjectMeta spec:MPIJobSpecV1 status:any
        MPIJobSpecV1 slotsPerWorker:i cleanPodPolicy mainContainer runPolicy:RunPolicy mpiReplicaSpecs:ReplicaSpecs
        """;

    public override JsonObject ToHub(JsonElement job, ConversionSettings settings) => KubeflowV1Conversion.ToHub(job, settings);

    public override JsonObject FromHub(JsonElement job) => KubeflowV1Conversion.FromHub(job);

    public override string PathOf(string hubPath, JsonElement job) =>
        hubPath == "spec.runPolicy.cleanPodPolicy" && !job.Has("spec", "runPolicy", "cleanPodPolicy") ? "spec.cleanPodPolicy" : hubPath;

    public override RunProfile Profile(RunProfile hub) => KubeflowV1Profile.Of(hub);

    public override MpiRun Run(MpiRun run, JsonElement job) => KubeflowV1Profile.Run(run, job);

    public override RunWiring Wiring(MpiRun run) => KubeflowV1Profile.Wiring(run);
}
