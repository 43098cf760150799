using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>kube-batch's MPI, <c>scheduling.incubator.k8s.io/v1alpha1</c>: one Job of pods that are all alike, and its PodGroup (spec/kube-batch-mpi.md).</summary>
public sealed class KubeBatchDialect : IManifestDialect
{
    public static readonly ResourceKind Mpi = new("scheduling.incubator.k8s.io", "v1alpha1", "MPI", "mpis");

    public ResourceKind Kind => Mpi;

    public string WatchedPods => KubeBatchProfile.WatchedPods;

    public IRunStatusFormat Status { get; } = new KubeBatchStatus();

    public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => podLabels.GetValueOrDefault(KubeBatchProfile.JobName);

    public ParseResult Parse(JsonElement manifest) => new KubeBatchParser(manifest).Parse();

    public RunProfile Profile(ObjectMeta job) => KubeBatchProfile.Of(job);

    public RunWiring Wiring(MpiRun run) => KubeBatchWiring.Of(run);

    ITranslation? IManifestDialect.Translation { get; } = new KubeBatchTranslation();

    string IManifestDialect.Definition => CustomResources.Read("kube-batch/mpis.yaml");

    /// <summary>Spec 3, both shapes.</summary>
    string IManifestDialect.Fields => """
        MPIOfJob apiVersion kind metadata:ObjectMeta spec:JobAndPodGroup status:any
        MPIOfJobSpec apiVersion kind metadata:ObjectMeta spec:JobSpecAndPodGroup status:any
        JobAndPodGroup job:Job podGroup:PodGroup
        JobSpecAndPodGroup job:JobSpec podGroup:PodGroup
        Job apiVersion kind metadata:ObjectMeta spec:JobSpec status:any
        JobSpec activeDeadlineSeconds:i backoffLimit:i backoffLimitPerIndex:i completionMode completions:i managedBy manualSelector:b maxFailedIndexes:i parallelism:i podFailurePolicy:any podReplacementPolicy selector:LabelSelector successPolicy:any suspend:b template:PodTemplateSpec ttlSecondsAfterFinished:i
        PodGroup apiVersion kind metadata:ObjectMeta spec:PodGroupSpec status:any
        PodGroupSpec minMember:i priorityClassName queue
        """;

    string IManifestDialect.FieldsOf(JsonElement manifest) => manifest.Has("spec", "job", "spec") || manifest.Text("spec", "job", "kind") == "Job" ? "MPIOfJob" : "MPIOfJobSpec";
}
