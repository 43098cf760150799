using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary><c>kubeflow.org/v1alpha1</c>: mpi-operator 0.1 and 0.2, and ksonnet's prototypes (spec/kubeflow-mpijob.md 7).</summary>
internal sealed class KubeflowV1Alpha1() : KubeflowVersion("v1alpha1")
{
    private static readonly string[] Roles = ["spec.mpiReplicaSpecs[Launcher].", "spec.mpiReplicaSpecs[Worker]."];

    /// <summary>Spec 7.1.</summary>
    public override string Fields => """
        MPIJobV1Alpha1 apiVersion kind metadata:ObjectMeta spec:MPIJobSpecV1Alpha1 status:any
        MPIJobSpecV1Alpha1 gpus:i gpusPerNode:i processingUnits:i processingUnitsPerNode:i processingResourceType replicas:i slotsPerWorker:i launcherOnMaster:b backoffLimit:i activeDeadlineSeconds:i suspend:b template:PodTemplateSpec
        """;

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

    public override RunProfile Profile(RunProfile hub) => KubeflowV1Alpha1Profile.Of(hub);

    public override MpiRun Run(MpiRun run, JsonElement job) => KubeflowV1Alpha1Profile.Run(run, job);

    public override RunWiring Wiring(MpiRun run) => KubeflowV1Alpha1Profile.Wiring(run);
}
