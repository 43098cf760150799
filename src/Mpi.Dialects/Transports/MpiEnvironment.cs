using System.Collections.Immutable;
using System.Globalization;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// What MPI is told through the launcher's environment: the hostfile, the slots, and the program that starts its daemons on the
/// workers. Given for Open MPI 4 (ORTE) and Open MPI 5 (PRRTE) alike, which know none of each other's names.
/// </summary>
internal static class MpiEnvironment
{
    // A connection that is refused is tried again after a second: an sshd may be slower than its pod.
    private const string SshArguments = "-o ConnectionAttempts=10";

    /// <param name="hostfile">Its path.</param>
    /// <param name="remoteShell">The path of what is called instead of ssh, where the dialect has promised one.</param>
    public static ImmutableArray<EnvRule> Of(MpiRun run, string hostfile, string? remoteShell = null)
    {
        var slots = run.Workers.Slots.ToString(CultureInfo.InvariantCulture);
        var shell = run.Transport.Kind switch
        {
            Transport.Agent => remoteShell ?? AgentContract.RemoteShellPath,
            Transport.Exec => remoteShell ?? AgentContract.ExecShellPath,
            _ => null,
        };
        return run.Mpi switch
        {
            MpiImplementation.Intel =>
            [
                new("I_MPI_HYDRA_HOST_FILE", hostfile),
                .. shell is not null ? Intel(shell) : [new("I_MPI_HYDRA_BOOTSTRAP_EXEC_EXTRA_ARGS", SshArguments)],
                new("I_MPI_PERHOST", slots),
            ],
            MpiImplementation.Mpich =>
            [
                new("HYDRA_HOST_FILE", hostfile),
                .. shell is not null ? Mpich(shell) : [new("HYDRA_LAUNCH_EXTRA_ARGS", SshArguments)],
            ],
            _ =>
            [
                new("OMPI_MCA_orte_keep_fqdn_hostnames", "true"),
                new("OMPI_MCA_orte_default_hostfile", hostfile),
                .. shell is not null ? Orte(shell) : [new("OMPI_MCA_plm_rsh_args", SshArguments)],
                new("OMPI_MCA_orte_set_default_slots", slots),
                // Open MPI 5 starts its processes through PRRTE, which knows none of the names above: without these it would
                // ignore the hostfile and run every rank in the launcher.
                // PRRTE compares the hostfile's names with the pod's short one, and where it kept the domain a launcher that runs ranks
                // would ask itself for a login. It dials the names as the hostfile has them either way.
                new("PRTE_MCA_prte_keep_fqdn_hostnames", "false", EnvOrigin.Added),
                new("PRTE_MCA_prte_default_hostfile", hostfile, EnvOrigin.Added),
                .. shell is not null ? Prrte(shell) : [new("PRTE_MCA_plm_ssh_args", SshArguments, EnvOrigin.Added)],
                new("PRTE_MCA_prte_set_default_slots", slots, EnvOrigin.Added),
            ],
        };
    }

    /// <summary>
    /// From 64 hosts on daemons would start other daemons, and only the launcher has the way to the workers: it starts them all. A
    /// daemon then goes to the background, and its session would end at once, unless it is told to stay attached.
    /// </summary>
    private static ImmutableArray<EnvRule> Orte(string shell) =>
    [
        new("OMPI_MCA_plm_rsh_agent", shell),
        new("OMPI_MCA_plm_rsh_no_tree_spawn", "true"),
        new("OMPI_MCA_orte_leave_session_attached", "true"),
    ];

    /// <inheritdoc cref="Orte"/>
    private static ImmutableArray<EnvRule> Prrte(string shell) =>
    [
        new("PRTE_MCA_plm_ssh_agent", shell, EnvOrigin.Added),
        new("PRTE_MCA_plm_ssh_no_tree_spawn", "true", EnvOrigin.Added),
        new("PRTE_MCA_prte_leave_session_attached", "true", EnvOrigin.Added),
    ];

    /// <summary>Hydra takes its remote shell for an ssh, whatever program it is.</summary>
    private static ImmutableArray<EnvRule> Mpich(string shell) => [new("HYDRA_LAUNCHER", "ssh"), new("HYDRA_LAUNCHER_EXEC", shell)];
    private static ImmutableArray<EnvRule> Intel(string shell) => [new("I_MPI_HYDRA_BOOTSTRAP", "ssh"), new("I_MPI_HYDRA_BOOTSTRAP_EXEC", shell)];
}
