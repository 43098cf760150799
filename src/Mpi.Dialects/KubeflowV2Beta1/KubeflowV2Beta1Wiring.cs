using System.Collections.Immutable;
using System.Globalization;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>Environment, mounts and the default command of the pods (spec 2.5, 2.6; spec/cerit-sshd-image.md 5).</summary>
internal static class KubeflowV2Beta1Wiring
{
    private const string Hostfile = "/etc/mpi/hostfile";

    // A connection that is refused is tried again after a second: an sshd may be slower than its pod.
    private const string SshArguments = "-o ConnectionAttempts=10";

    public static RunWiring Of(MpiRun run) => new()
    {
        LauncherEnv = [new EnvRule("K_MPI_JOB_ROLE", "launcher", EnvOrigin.Identity), .. MpiEnv(run), .. NoDevices(run)],
        WorkerEnv = [new EnvRule("K_MPI_JOB_ROLE", "worker", EnvOrigin.Identity)],
        // By absolute path (sshd starts itself anew for each connection), in the foreground, messages to the log. No port: the image's configuration decides.
        WorkerCommand = ["/usr/sbin/sshd", "-De"],
        SshVolume = "ssh-auth",
        ConfigVolume = "mpi-job-config",
        ConfigMountPath = "/etc/mpi",
    };

    private static ImmutableArray<EnvRule> MpiEnv(MpiRun run)
    {
        var slots = run.Workers.Slots.ToString(CultureInfo.InvariantCulture);
        return run.Mpi switch
        {
            MpiImplementation.Intel =>
            [
                new("I_MPI_HYDRA_HOST_FILE", Hostfile),
                new("I_MPI_HYDRA_BOOTSTRAP_EXEC_EXTRA_ARGS", SshArguments),
                new("I_MPI_PERHOST", slots),
            ],
            MpiImplementation.Mpich =>
            [
                new("HYDRA_HOST_FILE", Hostfile),
                new("HYDRA_LAUNCH_EXTRA_ARGS", SshArguments),
            ],
            _ =>
            [
                new("OMPI_MCA_orte_keep_fqdn_hostnames", "true"),
                new("OMPI_MCA_orte_default_hostfile", Hostfile),
                new("OMPI_MCA_plm_rsh_args", SshArguments),
                new("OMPI_MCA_orte_set_default_slots", slots),
                // Open MPI 5 starts its processes through PRRTE, which knows none of the names above: without these it would
                // ignore the hostfile and run every rank in the launcher.
                // PRRTE compares the hostfile's names with the pod's short one, and where it kept the domain a launcher that runs ranks
                // would ask itself for a login. It dials the names as the hostfile has them either way.
                new("PRTE_MCA_prte_keep_fqdn_hostnames", "false", EnvOrigin.Added),
                new("PRTE_MCA_prte_default_hostfile", Hostfile, EnvOrigin.Added),
                new("PRTE_MCA_plm_ssh_args", SshArguments, EnvOrigin.Added),
                new("PRTE_MCA_prte_set_default_slots", slots, EnvOrigin.Added),
            ],
        };
    }

    /// <summary>A launcher that runs no ranks sees no GPU, whatever the container runtime would hand it by default.</summary>
    private static ImmutableArray<EnvRule> NoDevices(MpiRun run) =>
        run.Launcher.RunsRanks ? [] : [new("NVIDIA_VISIBLE_DEVICES", ""), new("NVIDIA_DRIVER_CAPABILITIES", "")];
}
