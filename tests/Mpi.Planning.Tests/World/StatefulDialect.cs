using System.Text.Json;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;

namespace Mpi.Planning.Tests;

/// <summary>kubeflow's jobs as dialects before v1 ran them: workers of a StatefulSet, called by their pods' names alone, and a launcher with an account.</summary>
internal sealed class StatefulDialect : IDialect
{
    private readonly KubeflowV2Beta1Dialect _kubeflow = new();

    public ResourceKind Kind => _kubeflow.Kind;
    public string WatchedPods => _kubeflow.WatchedPods;
    public IRunStatusFormat Status => _kubeflow.Status;
    public bool MakesStatefulSets => true;

    public string? JobOf(IReadOnlyDictionary<string, string> podLabels) => _kubeflow.JobOf(podLabels);

    public ParseResult Parse(JsonElement manifest) => _kubeflow.Parse(manifest) is ParseResult.Run { Value: var run }
        ? new ParseResult.Run(run with { Workers = run.Workers with { Form = WorkerForm.StatefulSet } })
        : _kubeflow.Parse(manifest);

    public RunProfile Profile(ObjectMeta job) => _kubeflow.Profile(job) with
    {
        Service = "pi-worker",
        BareHosts = true,
        IndexLabel = null,
        Access = new LauncherAccess("pi-sa", "pi-role", "pi-rolebinding", Always: true),
        WorkerSetLabels = _kubeflow.Profile(job).WorkerLabels,
        LauncherJobLabels = _kubeflow.Profile(job).LauncherLabels,
    };

    public RunWiring Wiring(MpiRun run) => _kubeflow.Wiring(run) with
    {
        Files = [new("proposedhosts", new ConfigContent.Hosts()), new("kubexec.sh", new ConfigContent.Text("#!/kubempi/kubempi-agent remote-shell\n"))],
        LauncherMounts =
        [
            new ConfigMount("mpi-job-hosts", "/etc/mpihosts", [MountedFile.Data("proposedhosts")]),
            new ConfigMount("mpi-job-config", "/etc/mpi", [MountedFile.Script("kubexec.sh")]),
        ],
        WorkerMounts = [new ConfigMount("mpi-job-config", "/etc/mpi", [MountedFile.Script("kubexec.sh")])],
        UsersInitContainersLast = true,
    };
}
