using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// kubeflow's MPIJob, <c>kubeflow.org/v2beta1</c>: workers reached by ssh (spec/kubeflow-mpijob.md 1-4). Jobs that were written in an older version are
/// stored as this one and run by the promises of that (<see cref="KubeflowVersion"/>).
/// </summary>
/// <param name="conversion">The settings by which the older versions are converted; null where only this version is served.</param>
public sealed class KubeflowV2Beta1Dialect(ConversionSettings? conversion = null) : IManifestDialect
{
    private readonly bool _servesOldVersions = conversion is not null;

    public static readonly ResourceKind MpiJob = new("kubeflow.org", "v2beta1", "MPIJob", "mpijobs");

    public ResourceKind Kind => MpiJob;

    public string WatchedPods => KubeflowV2Beta1Profile.WatchedPods;

    public IRunStatusFormat Status { get; } = new KubeflowV2Beta1Status();

    public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => podLabels.GetValueOrDefault(KubeflowV2Beta1Profile.JobName);

    /// <summary>Old versions have workers in StatefulSets. Where they are not served, pods take their place: nothing there gives a right to sets.</summary>
    public bool MakesStatefulSets => _servesOldVersions;

    public ConversionSettings Conversion { get; } = conversion ?? ConversionSettings.Default;

    public ParseResult Parse(JsonElement manifest)
    {
        if (!JsonText.IsSound(manifest) || KubeflowVersions.OriginOf(ObjectMeta.Read(manifest.At("metadata"))) is not { } origin) return new KubeflowV2Beta1Parser(manifest).Parse();
        var parsed = OldKubeflowJobs.Parse(manifest, origin, Conversion);
        return parsed is ParseResult.Run { Value: var run } && !MakesStatefulSets ? new ParseResult.Run(run with { Workers = run.Workers with { Form = WorkerForm.Pods } }) : parsed;
    }

    public RunProfile Profile(ObjectMeta job)
    {
        var own = KubeflowV2Beta1Profile.Of(job);
        return KubeflowVersions.OriginOf(job)?.Profile(own) ?? own;
    }

    public RunWiring Wiring(MpiRun run) => KubeflowVersions.Of(run.Dialect)?.Wiring(run) ?? KubeflowV2Beta1Wiring.Of(run);

    string IManifestDialect.Definition => _servesOldVersions ? CustomResources.LegacyMpiJobs() : CustomResources.MpiJobs();

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
