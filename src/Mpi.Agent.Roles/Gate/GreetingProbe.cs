using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// Proof over the agent's own connections: the worker has dialled, both sides have proven themselves, and one more round trip
/// shows that it answers. The workers come by themselves, so a try waits for one rather than looking again and again.
/// </summary>
internal sealed class GreetingProbe(WorkerDirectory<WorkerConnection> workers, TimeProvider time) : IWorkerProbe
{
    private static readonly TimeSpan DialLimit = TimeSpan.FromSeconds(5);

    public async Task<ProbeResult> TryAsync(GateTry one, CancellationToken cancellation)
    {
        var name = Hostfile.Short(one.Host);
        using var limit = new CancellationTokenSource(DialLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        WorkerConnection worker;
        try
        {
            worker = await workers.WaitAsync(one.Host, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ProbeResult.Failed(UnreachableCause.NotDialled, $"{name} has not dialled yet");
        }

        limit.CancelAfter(one.Limit);
        try
        {
            await worker.ProveAsync(both.Token);
            return new ProbeResult.Reached();
        }
        catch (IOException fault)
        {
            return new ProbeResult.Failed(UnreachableCause.Closed, fault.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ProbeResult.Failed(UnreachableCause.Silent, $"{name} is connected and does not answer");
        }
    }
}
