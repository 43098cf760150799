using Kube.Testing;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Testing;

/// <summary>An agent's surroundings in a simulation: a clock, a network and somebody who hears what it says; nothing of this machine's.</summary>
internal static class SimulatedProcess
{
    public static AgentEnvironment Environment(VirtualClock clock, Random random, IAgentNetwork network, Action<string> said, Func<string, string?>? variable = null) => new()
    {
        Variable = variable ?? (static _ => null), Output = new Lines(said), Error = new Lines(said), Time = clock, Random = random, Processes = new ProcessRunner(), Program = null, Network = network,
    };

    private sealed class Lines(Action<string> said) : StringWriter
    {
        public override Task WriteLineAsync(string? value)
        {
            said(value ?? "");
            return Task.CompletedTask;
        }
    }
}
