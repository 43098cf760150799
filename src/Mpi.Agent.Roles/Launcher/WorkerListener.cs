using System.Net;
using System.Net.Sockets;

namespace Mpi.Agent.Roles;

/// <summary>
/// Accepts the workers of a job: the gate's and the launcher's side of all connections. Strangers learn nothing, and get no
/// further than <see cref="HalfOpen{T}"/>.
/// </summary>
public sealed class WorkerListener(IListening listening, Handshake handshake, Hello own, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromMilliseconds(100);

    private readonly HalfOpen<Stream> _halfOpen = new(HalfOpen<Stream>.Default);

    public int Port => listening.Port;

    /// <summary>Connections that have not greeted.</summary>
    public int Strangers => _halfOpen.Count;

    /// <summary>Accepts until cancelled. Handlers of all connections have ended when it ends.</summary>
    /// <param name="serve">Serves a worker's connection to its end. The address is the launcher's own, as the worker reached it.</param>
    public async Task RunAsync(Func<AgentLink, IPAddress, CancellationToken, Task> serve, CancellationToken cancellation)
    {
        var served = new HashSet<Task>();
        try
        {
            while (true)
            {
                if (await AcceptAsync(cancellation) is not { } accepted) continue;
                served.RemoveWhere(static task => task.IsCompleted);
                served.Add(ServeAsync(accepted, serve, cancellation));
            }
        }
        finally
        {
            await Task.WhenAll(served).WithoutThrowing();
        }
    }

    private async Task<Accepted?> AcceptAsync(CancellationToken cancellation)
    {
        try
        {
            return await listening.AcceptAsync(cancellation);
        }
        catch (SocketException)
        {
            // Such as no more file descriptors: those who hold them will let go.
            await Task.Delay(AfterTrouble, time, cancellation);
            return null;
        }
    }

    private async Task ServeAsync(Accepted accepted, Func<AgentLink, IPAddress, CancellationToken, Task> serve, CancellationToken cancellation)
    {
        AgentLink link;
        using (_halfOpen.Add(accepted.Connection))
        {
            try
            {
                link = await handshake.AcceptAsync(accepted.Connection, own, cancellation);
            }
            catch (Exception fault) when (fault is IOException or OperationCanceledException)
            {
                // A stranger, or a member that went away: a member dials again and says on its side what is wrong.
                return;
            }
        }

        await using (link) await serve(link, accepted.Address, cancellation);
    }

    public void Dispose() => listening.Dispose();
}
