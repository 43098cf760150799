using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>kube-batch's MPI, <c>scheduling.incubator.k8s.io/v1alpha1</c>: one Job of pods that are all alike, and its PodGroup (spec/kube-batch-mpi.md).</summary>
public sealed class KubeBatchDialect : IDialect
{
    public static readonly ResourceKind Mpi = new("scheduling.incubator.k8s.io", "v1alpha1", "MPI", "mpis");

    public ResourceKind Kind => Mpi;

    public string WatchedPods => KubeBatchProfile.WatchedPods;

    public IRunStatusFormat Status { get; } = new KubeBatchStatus();

    public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => podLabels.GetValueOrDefault(KubeBatchProfile.JobName);

    public ParseResult Parse(JsonElement manifest) => new KubeBatchParser(manifest).Parse();

    public RunProfile Profile(ObjectMeta job) => KubeBatchProfile.Of(job);

    public RunWiring Wiring(MpiRun run) => KubeBatchWiring.Of(run);
}
