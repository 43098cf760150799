using System.Collections.Immutable;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>What the pods find (spec 4.4 to 4.6): the old paths, of which those of scripts lead to the agent, and the list of hosts in its two states.</summary>
internal static class MetacontrollerWiring
{
    private const string ConfigVolume = "mpi-job-config";
    private const string HostsVolume = "mpi-job-hosts";
    private const string ConfigFolder = "/etc/mpi";
    private const string HostsFolder = "/etc/mpihosts";
    private const string Hostfile = "hostfile";
    private const string Proposed = "proposedhosts";
    private const string RemoteShell = "kubexec.sh";
    private const string Check = "check_hosts.sh";

    /// <summary>Volumes that a template must not have: ours have these names, or had.</summary>
    public static readonly ImmutableArray<string> Volumes = [ConfigVolume, HostsVolume, "mpi-job-kubectl", "kubempi-agent", "kubempi-credentials"];

    /// <summary>
    /// Who is left out was decided before the launcher was made, and its gate has proven the others. This is the second guard, under the name whose log
    /// people look at: Open MPI would run every rank in the launcher where the list is empty, and say nothing.
    /// </summary>
    private const string CheckScript =
        $"""
        #!/bin/sh
        cat {HostsFolder}/{Hostfile} || exit 1
        if ! grep -q slots {HostsFolder}/{Hostfile}; then
          echo "no worker is left" >&2
          exit 1
        fi

        """;

    public static RunWiring Of(MpiRun run) => new()
    {
        LauncherEnv = [.. MpiEnvironment.Of(run, $"{HostsFolder}/{Hostfile}", $"{ConfigFolder}/{RemoteShell}"), RemoteShellFiles.Directory],
        WorkerEnv = [],
        WorkerCommand = run.Transport.Kind == Transport.Exec ? ["sleep", "infinity"] : [$"{AgentContract.MountPath}/{AgentContract.FileName}", AgentContract.WorkerRole],
        SshVolume = "ssh-auth",
        Files =
        [
            new ConfigFile(Hostfile, new ConfigContent.Hosts()),
            new ConfigFile(Proposed, new ConfigContent.ProposedHosts()),
            RemoteShellFiles.For(run, RemoteShell),
            new ConfigFile(Check, new ConfigContent.Text(CheckScript)),
        ],
        LauncherMounts =
        [
            new ConfigMount(HostsVolume, HostsFolder, [MountedFile.Data(Hostfile)]),
            new ConfigMount(ConfigVolume, ConfigFolder, [MountedFile.Script(RemoteShell), MountedFile.Script(Check), MountedFile.Data(Proposed)]),
        ],
        // Every daemon of Open MPI looks whether the program that started it is there, also where it starts none itself.
        WorkerMounts = [new ConfigMount(ConfigVolume, ConfigFolder, [MountedFile.Script(RemoteShell)])],
        LauncherCheck = new LauncherCheck("check-and-filter-cluster-pods", ["/bin/sh", $"{ConfigFolder}/{Check}"]),
        UsersInitContainersLast = true,
    };
}
