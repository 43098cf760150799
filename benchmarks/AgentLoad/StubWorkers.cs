using System.Net;
using Mpi.Agent.Roles;

namespace Benchmarks.AgentLoad;

/// <summary>Workers that hold a connection each, as the agent's own do, and end at once whatever they are asked to start.</summary>
internal sealed class StubWorkers : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _serving = Task.CompletedTask;

    /// <summary>All dial at once.</summary>
    public static async Task<StubWorkers> DialAsync(JobFolder job, int count, CancellationToken cancellation)
    {
        var stubs = new StubWorkers();
        var handshake = new Handshake(new JobTls(job.WorkerCredentials()), TimeProvider.System, LivenessPace.Default);
        var links = await Task.WhenAll(Enumerable.Range(0, count).Select(i => DialAsync(job, handshake, RemoteShellCalls.Name(i), cancellation)));
        stubs._serving = Task.WhenAll(links.Select(link => link.RunAsync(frame => Answer(link, frame), stubs._stop.Token)));
        return stubs;
    }

    private static async Task<AgentLink> DialAsync(JobFolder job, Handshake handshake, string name, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var connection = await new TcpNetwork().ConnectAsync(new IPEndPoint(IPAddress.Loopback, job.Port), cancellation);
                return await handshake.ConnectAsync(connection, new Hello(AgentRole.Worker, name, Guid.NewGuid()), cancellation);
            }
            catch (IOException fault)
            {
                // As a worker does; each would else take the launcher's time from the others.
                Console.Error.WriteLine($"{name} dials again: {fault.Message}");
                await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
            }
        }
    }

    private static void Answer(AgentLink link, in Frame frame)
    {
        if (frame.Type == FrameType.Start) link.Post(new SessionEnd(Code: 0, Signal: 0).ToFrame(frame.Session));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
