using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>What a v1 job's objects are promised beside the stored version's (spec/kubeflow-mpijob.md 5.2-5.9, 5.12).</summary>
internal static class KubeflowV1Profile
{
    private const string Role = "mpi-job-role";
    private const string ReplicaType = "training.kubeflow.org/replica-type";

    public static RunProfile Of(RunProfile hub)
    {
        var profile = OldKubeflowJobs.Profile(hub);
        return profile with
        {
            LauncherLabels = hub.LauncherLabels.AddRange(Labels(hub, "launcher")),
            WorkerLabels = hub.WorkerLabels.AddRange(Labels(hub, "worker")),
            WorkerIndexLabels = ["replica-index"],
        };
    }

    public static MpiRun Run(MpiRun run, JsonElement job)
    {
        var meant = OldKubeflowJobs.Choose(run with { MainContainer = job.Text("spec", "mainContainer") }, job);
        // The launcher was a bare pod: what failed had failed, unless its kubelet was told to start it again.
        return run.Launcher.RestartPolicy == "Never" && run.Retry.BackoffLimit is null ? meant with { Retry = run.Retry with { BackoffLimit = 0 } } : meant;
    }

    public static RunWiring Wiring(MpiRun run) => OldKubeflowWiring.Of(
        run,
        KubeflowV2Beta1Wiring.Of(run),
        [
            // The training operator's, for images with Intel MPI.
            .. run.Transport.Kind == Transport.Ssh ? (EnvRule[])[] : [new("I_MPI_HYDRA_BOOTSTRAP", "rsh", EnvOrigin.Added), new("I_MPI_HYDRA_BOOTSTRAP_EXEC", OldKubeflowWiring.KubexecPath, EnvOrigin.Added)],
            .. run.Launcher.RunsRanks ? [] : OldKubeflowWiring.NoDevices,
        ]);

    private static Dictionary<string, string> Labels(RunProfile hub, string role) => new(StringComparer.Ordinal)
    {
        ["group-name"] = KubeflowVersion.Group,
        ["mpi-job-name"] = hub.Job.Name,
        [Role] = role,
        [ReplicaType] = role,
    };
}
