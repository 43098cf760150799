using System.Net;
using System.Net.Sockets;

namespace Mpi.Agent.Roles;

/// <summary>
/// Accepts the workers of a job: the gate's and the launcher's side of all connections. Strangers learn nothing, and get no
/// further than <see cref="HalfOpen{T}"/>.
/// </summary>
public sealed class WorkerListener : IDisposable
{
    private const int Backlog = 1024;
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromMilliseconds(100);

    private readonly Socket _listening;
    private readonly TlsLink _tls;
    private readonly Hello _own;
    private readonly TimeProvider _time;
    private readonly HalfOpen<Socket> _halfOpen = new(HalfOpen<Socket>.Default);

    /// <exception cref="IOException">The port is taken.</exception>
    public WorkerListener(int port, TlsLink tls, Hello own, TimeProvider time)
    {
        (_tls, _own, _time) = (tls, own, time);
        try
        {
            _listening = Listen(port);
        }
        catch (SocketException fault)
        {
            throw new IOException($"no listening on port {port}: {fault.Message}", fault);
        }
    }

    public int Port => ((IPEndPoint)_listening.LocalEndPoint!).Port;

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
                if (await AcceptAsync(cancellation) is not { } socket) continue;
                served.RemoveWhere(static task => task.IsCompleted);
                served.Add(ServeAsync(socket, serve, cancellation));
            }
        }
        finally
        {
            await Task.WhenAll(served).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<Socket?> AcceptAsync(CancellationToken cancellation)
    {
        try
        {
            return await _listening.AcceptAsync(cancellation);
        }
        catch (SocketException)
        {
            // Such as no more file descriptors: those who hold them will let go.
            await Task.Delay(AfterTrouble, _time, cancellation);
            return null;
        }
    }

    private async Task ServeAsync(Socket socket, Func<AgentLink, IPAddress, CancellationToken, Task> serve, CancellationToken cancellation)
    {
        AgentLink link;
        IPAddress address;
        using (_halfOpen.Add(socket))
        {
            try
            {
                address = ((IPEndPoint)socket.LocalEndPoint!).Address;
                link = await _tls.AcceptAsync(socket, _own, cancellation);
            }
            catch (Exception fault) when (fault is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // A stranger, or a member that went away: a member dials again and says on its side what is wrong.
                socket.Dispose();
                return;
            }
        }

        await using (link) await serve(link, address, cancellation);
    }

    private static Socket Listen(int port)
    {
        if (Socket.OSSupportsIPv6)
        {
            try
            {
                return Bind(new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true }, new IPEndPoint(IPAddress.IPv6Any, port));
            }
            catch (SocketException fault) when (fault.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
            {
                // A pod without IPv6, on a kernel with it.
                return Bind(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), new IPEndPoint(IPAddress.Any, port));
            }
        }

        return Bind(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), new IPEndPoint(IPAddress.Any, port));
    }

    private static Socket Bind(Socket socket, IPEndPoint endPoint)
    {
        try
        {
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => _listening.Dispose();
}
