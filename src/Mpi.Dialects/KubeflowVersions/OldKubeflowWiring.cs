using System.Collections.Immutable;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// Environment and files of the old versions' pods (spec/kubeflow-mpijob.md 5.4-5.6, 6.3): <c>/etc/mpi</c> with the hostfile and with
/// <c>kubexec.sh</c>, which was a script around kubectl and now leads to the agent.
/// </summary>
internal static class OldKubeflowWiring
{
    private const string Folder = "/etc/mpi";
    private const string Volume = "mpi-job-config";
    private const string Hostfile = "hostfile";
    private const string Kubexec = "kubexec.sh";
    private const string DiscoveryScript = "discover_hosts.sh";

    public const string KubexecPath = $"{Folder}/{Kubexec}";

    /// <param name="run">A run of an old version.</param>
    /// <param name="hub">What the stored version's pods have.</param>
    /// <param name="more">What the launcher is told besides.</param>
    public static RunWiring Of(MpiRun run, RunWiring hub, params ReadOnlySpan<EnvRule> more)
    {
        // Over ssh nothing is called in its place.
        var kubexec = run.Transport.Kind != Transport.Ssh;
        return hub with
        {
            LauncherEnv =
            [
                .. MpiEnvironment.Of(run, $"{Folder}/{Hostfile}", KubexecPath),
                .. kubexec ? (EnvRule[])[RemoteShellFiles.Directory] : [],
                .. more,
            ],
            WorkerEnv = [],
            Files =
            [
                new ConfigFile(Hostfile, new ConfigContent.Hosts()),
                .. kubexec ? (ConfigFile[])[RemoteShellFiles.For(run, Kubexec)] : [],
                new ConfigFile(DiscoveryScript, new ConfigContent.DiscoveryScript(WithSlots: true)),
            ],
            LauncherMounts = [new ConfigMount(Volume, Folder, [MountedFile.Data(Hostfile), .. kubexec ? (MountedFile[])[MountedFile.Script(Kubexec)] : [], MountedFile.Script(DiscoveryScript)])],
            // Open MPI's daemons ask for their launcher's program in their own image, too.
            WorkerMounts = kubexec ? [new ConfigMount(Volume, Folder, [MountedFile.Script(Kubexec)])] : [],
        };
    }

    /// <summary>A launcher that runs no ranks sees no GPU.</summary>
    public static ImmutableArray<EnvRule> NoDevices { get; } = [new("NVIDIA_VISIBLE_DEVICES", ""), new("NVIDIA_DRIVER_CAPABILITIES", "")];
}
