using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>What a v1alpha2 job's objects are promised beside the stored version's (spec/kubeflow-mpijob.md 6.2, 6.3).</summary>
internal static class KubeflowV1Alpha2Profile
{
    /// <summary>Also v1alpha1's: workers are the pods of a StatefulSet, which carries their labels, as the launcher Job carries its pod's.</summary>
    public static RunProfile Of(RunProfile hub)
    {
        var (launcher, worker) = (Labels(hub, "launcher"), Labels(hub, "worker"));
        return OldKubeflowJobs.Profile(hub) with
        {
            LauncherLabels = hub.LauncherLabels.AddRange(launcher),
            WorkerLabels = hub.WorkerLabels.AddRange(worker),
            LauncherJobLabels = hub.ChildLabels.AddRange(launcher),
            WorkerSetLabels = hub.ChildLabels.AddRange(worker),
        };
    }

    public static MpiRun Run(MpiRun run, JsonElement job) => InSet(OldKubeflowJobs.Choose(run with { MainContainer = job.Text("spec", "mainContainer") }, job));

    public static MpiRun InSet(MpiRun run) => run with { Workers = run.Workers with { Form = WorkerForm.StatefulSet } };

    /// <summary>The launcher saw no GPU, whatever it asked for.</summary>
    public static RunWiring Wiring(MpiRun run) => OldKubeflowWiring.Of(run, KubeflowV2Beta1Wiring.Of(run), OldKubeflowWiring.NoDevices.AsSpan());

    private static Dictionary<string, string> Labels(RunProfile hub, string role) => new(StringComparer.Ordinal)
    {
        ["group_name"] = KubeflowVersion.Group,
        ["mpi_job_name"] = hub.Job.Name,
        ["mpi_role_type"] = role,
    };
}
