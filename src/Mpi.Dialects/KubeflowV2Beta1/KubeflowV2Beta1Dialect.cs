using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>kubeflow's MPIJob, <c>kubeflow.org/v2beta1</c>: workers reached by ssh (spec/kubeflow-mpijob.md 1-4).</summary>
public sealed class KubeflowV2Beta1Dialect : IDialect
{
    public static readonly ResourceKind MpiJob = new("kubeflow.org", "v2beta1", "MPIJob", "mpijobs");

    public ResourceKind Kind => MpiJob;

    public string WatchedPods => KubeflowV2Beta1Profile.WatchedPods;

    public IRunStatusFormat Status { get; } = new KubeflowV2Beta1Status();

    public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => podLabels.GetValueOrDefault(KubeflowV2Beta1Profile.JobName);

    public ParseResult Parse(JsonElement manifest) => new KubeflowV2Beta1Parser(manifest).Parse();

    public RunProfile Profile(ObjectMeta job) => KubeflowV2Beta1Profile.Of(job);

    public RunWiring Wiring(MpiRun run) => KubeflowV2Beta1Wiring.Of(run);
}
