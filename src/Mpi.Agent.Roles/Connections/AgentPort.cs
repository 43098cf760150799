using System.Globalization;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>The port of a job's connections, as the environment gives it.</summary>
internal static class AgentPort
{
    public static int Read(AgentEnvironment agent)
    {
        var text = WorkerOptions.Required(agent, AgentContract.PortVariable);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= ushort.MaxValue
            ? port
            : throw new UsageException($"{AgentContract.PortVariable} is no port: \"{text}\".");
    }
}
