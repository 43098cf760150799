using System.Text.Json;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>What a v1alpha1 job's objects are promised beside the stored version's (spec/kubeflow-mpijob.md 7.3): v1alpha2's names, and GPUs that nobody hides.</summary>
internal static class KubeflowV1Alpha1Profile
{
    public static RunProfile Of(RunProfile hub) => KubeflowV1Alpha2Profile.Of(hub);

    public static MpiRun Run(MpiRun run, JsonElement job) => KubeflowV1Alpha2Profile.InSet(OldKubeflowJobs.Choose(run, job));

    public static RunWiring Wiring(MpiRun run) => OldKubeflowWiring.Of(run, KubeflowV2Beta1Wiring.Of(run));
}
