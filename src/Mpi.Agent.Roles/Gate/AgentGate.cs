using System.Collections.Immutable;
using System.Net;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>The gate's side of the workers' connections: it takes them, has each proven, and lets them go when all are.</summary>
internal sealed class AgentGate(WorkerListener listener, ImmutableArray<string> hosts, GatePace pace, AgentEnvironment agent)
{
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(2);

    private readonly WorkerDirectory<WorkerConnection> _directory = new();

    public async Task<GateReport> WaitAsync(Func<bool> allRun, CancellationToken cancellation)
    {
        // Tries wait for their workers and cost nothing, so all are under way at once.
        var machine = new GateMachine(hosts, ProbeMethod.Greeting, pace with { Parallelism = Math.Max(1, hosts.Length) }, agent.Random);
        var gate = new GateRole(machine, new GreetingProbe(_directory, agent.Time), allRun, agent.Output, agent.Time);
        var hostOf = hosts.ToDictionary(Hostfile.Short, StringComparer.Ordinal);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var serving = listener.RunAsync((link, address, token) => ServeAsync(new WorkerConnection(link, address), hostOf, gate, token), stop.Token);
        try
        {
            var report = await gate.WaitAsync(cancellation);
            await Task.WhenAll(_directory.All().Select(static worker => worker.CloseAsync(Farewell.GateOpened, FarewellLimit)));
            return report;
        }
        finally
        {
            stop.End();
            await serving.WithoutThrowing();
        }
    }

    private async Task ServeAsync(WorkerConnection worker, Dictionary<string, string> hostOf, GateRole gate, CancellationToken cancellation)
    {
        // A worker that a smaller job no longer has.
        if (!hostOf.TryGetValue(worker.Name, out var host)) return;
        if (_directory.Add(worker.Name, worker) is { } before) before.Abort();
        try
        {
            await worker.RunAsync(cancellation);
        }
        finally
        {
            // One that has dialled anew since is asked anew all the same: the proof was the old connection's.
            _directory.Remove(worker.Name, worker);
            gate.Lost(host, $"{worker.Name} was reachable, and its connection ended");
        }
    }
}
