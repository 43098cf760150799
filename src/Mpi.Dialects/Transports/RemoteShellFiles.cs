using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>Scripts that lead to the agent: what MPI's launchers call instead of ssh, under whatever name and path a dialect promised it.</summary>
internal static class RemoteShellFiles
{
    /// <summary>The volume has the agent's name: under transport exec workers have no other one of it.</summary>
    private const string WorkerVolume = "kubempi-agent";

    /// <summary>
    /// Open MPI's daemons end at once where the program that their launcher started them with is not in their own image too, though
    /// they never call it. So workers see its script, and none of what is behind it.
    /// </summary>
    public static ConfigMount OfWorkers { get; } = new(WorkerVolume, AgentContract.MountPath, [MountedFile.Script(AgentContract.ExecShellFileName)], ReadOnly: true);

    public static ConfigFile Exec(string key) => Leading(key, AgentContract.ExecShellRole);

    /// <summary>A script for the transport of a run. Outside of the agent's folder it needs <see cref="Directory"/>.</summary>
    public static ConfigFile For(MpiRun run, string key) => Leading(key, run.Transport.Kind == Transport.Exec ? AgentContract.ExecShellRole : AgentContract.RemoteShellRole);

    /// <summary>Tells such scripts where the agent is.</summary>
    public static EnvRule Directory { get; } = new(AgentContract.DirectoryVariable, AgentContract.MountPath, EnvOrigin.Identity);

    private static ConfigFile Leading(string key, string role) => new(key, new ConfigContent.Text($"#!{AgentContract.MountPath}/{AgentContract.FileName} {role}\n"));
}
