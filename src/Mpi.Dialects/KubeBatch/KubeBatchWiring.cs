using System.Collections.Immutable;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>
/// What the pods of an MPI object find (spec/kube-batch-mpi.md 4, 5): the old paths, which lead to the agent, and the variables that send Hydra
/// there. The host list is whole from the beginning, since host names are known before the pods are; addresses follow when all run.
/// </summary>
internal static class KubeBatchWiring
{
    private const string HostsFolder = "/mpi";
    private const string DataFolder = "/entry";
    private const string Hostfile = "hostfile";
    private const string Executor = "executor";
    private const string Addresses = "hosts";
    private const string RemoteShell = "kubeexec.sh";
    private const string Startup = "startup.sh";

    /// <summary>0777</summary>
    private const int ScriptMode = 0x1FF;

    public static RunWiring Of(MpiRun run)
    {
        var data = KubeBatchProfile.DataMap(run.Meta);
        return new RunWiring
        {
            LauncherEnv =
            [
                // As for rsh: told to be ssh, Hydra puts an option before the host.
                new("HYDRA_BOOTSTRAP", "rsh"),
                new("HYDRA_BOOTSTRAP_EXEC", $"{DataFolder}/{RemoteShell}"),
                new("HYDRA_HOST_FILE", $"{HostsFolder}/{Hostfile}"),
                RemoteShellFiles.Directory,
            ],
            WorkerEnv = [],
            WorkerCommand = [],
            LauncherWrapper = [$"{DataFolder}/{Startup}"],
            SshVolume = "ssh-auth",
            Files =
            [
                new ConfigFile(Hostfile, new ConfigContent.Hosts()),
                new ConfigFile(Executor, new ConfigContent.Launcher()) { Map = data },
                new ConfigFile(Addresses, new ConfigContent.Addresses()) { Map = data },
                RemoteShellFiles.For(run, RemoteShell) with { Map = data },
                new ConfigFile(Startup, new ConfigContent.Text($"#!{AgentContract.MountPath}/{AgentContract.FileName} {AgentContract.MemberRole}\n")) { Map = data },
            ],
            LauncherMounts =
            [
                new ConfigMount("mpi-hostfile", HostsFolder, [MountedFile.Data(Hostfile)], ReadOnly: true),
                new ConfigMount("mpi-data", DataFolder, [MountedFile.Data(Executor), MountedFile.Data(Addresses), new(RemoteShell, ScriptMode), new(Startup, ScriptMode)], ReadOnly: true) { Map = data },
            ],
        };
    }
}
