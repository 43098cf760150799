using System.Collections.Immutable;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>Environment, mounts and the default command of the pods (spec 2.5, 2.6; spec/cerit-sshd-image.md 5).</summary>
internal static class KubeflowV2Beta1Wiring
{
    private const string ConfigFolder = "/etc/mpi";
    private const string Hostfile = "hostfile";
    private const string DiscoveryScript = "discover_hosts.sh";

    public static RunWiring Of(MpiRun run) => new()
    {
        LauncherEnv = [new EnvRule("K_MPI_JOB_ROLE", "launcher", EnvOrigin.Identity), .. MpiEnvironment.Of(run, $"{ConfigFolder}/{Hostfile}"), .. NoDevices(run)],
        WorkerEnv = [new EnvRule("K_MPI_JOB_ROLE", "worker", EnvOrigin.Identity)],
        WorkerCommand = run.Transport.Kind switch
        {
            Transport.Agent => [$"{AgentContract.MountPath}/{AgentContract.FileName}", AgentContract.WorkerRole],
            // Waits to be sent commands. A container's first process ignores SIGTERM unless it says otherwise, as a bare sleep would for the whole grace.
            Transport.Exec => ["/bin/sh", "-c", "trap exit TERM; sleep 365d & wait"],
            // By absolute path (sshd starts itself anew for each connection), in the foreground, messages to the log. No port: the image's configuration decides.
            _ => ["/usr/sbin/sshd", "-De"],
        },
        SshVolume = "ssh-auth",
        Files =
        [
            new ConfigFile(Hostfile, new ConfigContent.Hosts()),
            new ConfigFile(DiscoveryScript, new ConfigContent.DiscoveryScript()),
            .. run.Transport.Kind == Transport.Exec ? (ConfigFile[])[RemoteShellFiles.Exec(AgentContract.ExecShellFileName)] : [],
        ],
        LauncherMounts = [new ConfigMount("mpi-job-config", ConfigFolder, [MountedFile.Data(Hostfile), MountedFile.Script(DiscoveryScript)])],
        WorkerMounts = run.Transport.Kind == Transport.Exec ? [RemoteShellFiles.OfWorkers] : [],
    };

    /// <summary>A launcher that runs no ranks sees no GPU, whatever the container runtime would hand it by default.</summary>
    private static ImmutableArray<EnvRule> NoDevices(MpiRun run) =>
        run.Launcher.RunsRanks ? [] : [new("NVIDIA_VISIBLE_DEVICES", ""), new("NVIDIA_DRIVER_CAPABILITIES", "")];
}
