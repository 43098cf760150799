using System.Net;
using System.Net.Sockets;

namespace Mpi.Agent.Roles;

/// <summary>How connections between the pods of a job are made: TCP in earnest, memory in a simulation.</summary>
public interface IAgentNetwork
{
    /// <exception cref="SocketException">Nobody listens there, or nothing leads there.</exception>
    Task<Stream> ConnectAsync(IPEndPoint to, CancellationToken cancellation);

    /// <exception cref="IOException">The port is taken.</exception>
    IListening Listen(int port);
}

/// <summary>A port that is listened on, at all addresses of the pod.</summary>
public interface IListening : IDisposable
{
    int Port { get; }

    /// <summary>The next connection.</summary>
    /// <exception cref="SocketException">Such as no more file descriptors.</exception>
    Task<Accepted> AcceptAsync(CancellationToken cancellation);
}

/// <param name="Address">This side's own, as the other side reached it.</param>
public sealed record Accepted(Stream Connection, IPAddress Address);

/// <summary>Connections by TCP.</summary>
public sealed class TcpNetwork : IAgentNetwork
{
    private const int Backlog = 1024;

    public async Task<Stream> ConnectAsync(IPEndPoint to, CancellationToken cancellation)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(to, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public IListening Listen(int port)
    {
        try
        {
            return new Listening(Open(port));
        }
        catch (SocketException fault)
        {
            throw new IOException($"no listening on port {port}: {fault.Message}", fault);
        }
    }

    private static Socket Open(int port)
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

    private sealed class Listening(Socket socket) : IListening
    {
        public int Port => ((IPEndPoint)socket.LocalEndPoint!).Port;

        public async Task<Accepted> AcceptAsync(CancellationToken cancellation)
        {
            while (true)
            {
                var accepted = await socket.AcceptAsync(cancellation);
                try
                {
                    accepted.NoDelay = true;
                    return new Accepted(new NetworkStream(accepted, ownsSocket: true), ((IPEndPoint)accepted.LocalEndPoint!).Address);
                }
                catch (Exception fault) when (fault is SocketException or IOException)
                {
                    // Whoever connected is gone again: the next one.
                    accepted.Dispose();
                }
            }
        }

        public void Dispose() => socket.Dispose();
    }
}
