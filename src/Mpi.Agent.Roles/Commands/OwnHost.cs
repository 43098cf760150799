using System.Collections;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// A call for the launcher's own host, as Hydra makes it where the launcher runs ranks: to that name no worker answers. This process becomes the
/// command, which so has its streams, its signals and its exit code.
/// </summary>
internal static class OwnHost
{
    public static bool IsMeantBy(RemoteShellCall call, AgentEnvironment agent)
    {
        var host = Hostfile.Short(call.Host);
        // The job's name for the launcher; on a node's own network its host has another.
        return host == agent.Variable(AgentContract.NameVariable) || host == Hostfile.Short(Environment.MachineName);
    }

    /// <returns>Never.</returns>
    /// <exception cref="IOException">The command cannot be started.</exception>
    public static int Become(RemoteShellCall call)
    {
        var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(static v => $"{v.Key}={v.Value}");
        throw Spawn.Become(CommandSearch.Resolve(new StartRequest(call.Words, Shell: true, [], ""), [.. environment]));
    }
}
