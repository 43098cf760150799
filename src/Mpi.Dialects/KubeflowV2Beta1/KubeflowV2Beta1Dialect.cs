using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>kubeflow's MPIJob, <c>kubeflow.org/v2beta1</c>: workers reached by ssh (spec/kubeflow-mpijob.md 1-4).</summary>
public sealed class KubeflowV2Beta1Dialect : IManifestDialect
{
    public static readonly ResourceKind MpiJob = new("kubeflow.org", "v2beta1", "MPIJob", "mpijobs");

    public ResourceKind Kind => MpiJob;

    public string WatchedPods => KubeflowV2Beta1Profile.WatchedPods;

    public IRunStatusFormat Status { get; } = new KubeflowV2Beta1Status();

    public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => podLabels.GetValueOrDefault(KubeflowV2Beta1Profile.JobName);

    public ParseResult Parse(JsonElement manifest) => new KubeflowV2Beta1Parser(manifest).Parse();

    public RunProfile Profile(ObjectMeta job) => KubeflowV2Beta1Profile.Of(job);

    public RunWiring Wiring(MpiRun run) => KubeflowV2Beta1Wiring.Of(run);

    string IManifestDialect.Definition => CustomResources.MpiJobs();

    /// <summary>Spec 1.2.</summary>
    string IManifestDialect.Fields => """
        MPIJob apiVersion kind metadata:ObjectMeta spec:MPIJobSpec status:any
        MPIJobSpec slotsPerWorker:i runLauncherAsWorker:b launcherCreationPolicy sshAuthMountPath mpiImplementation runPolicy:RunPolicy mpiReplicaSpecs:ReplicaSpecs
        RunPolicy cleanPodPolicy ttlSecondsAfterFinished:i activeDeadlineSeconds:i backoffLimit:i suspend:b managedBy schedulingPolicy:SchedulingPolicy
        SchedulingPolicy minAvailable:i queue minResources:{q} priorityClass scheduleTimeoutSeconds:i
        ReplicaSpecs Launcher:ReplicaSpec Worker:ReplicaSpec
        ReplicaSpec replicas:i restartPolicy template:PodTemplateSpec
        """;

    string IManifestDialect.FieldsOf(JsonElement manifest) => "MPIJob";

    void IManifestDialect.Advise(JsonElement manifest, Func<string, long, string?>? homeOf, Advice advice)
    {
        var job = new JobShape(manifest);
        CommandAdvice.Give(job, advice);
        UserAdvice.Give(job, homeOf, advice);
    }
}
