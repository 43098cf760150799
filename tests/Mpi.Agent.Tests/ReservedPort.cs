using System.Net;
using System.Net.Sockets;

namespace Mpi.Agent.Tests;

/// <summary>
/// A TCP port of the loopback interface that the system picked and nobody else gets while this is held: bound without listening,
/// so that it is free for whoever asks for it by number with SO_REUSEADDR (.NET and sshd do) and for nobody who asks for any.
/// </summary>
internal sealed class ReservedPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ReservedPort()
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Number = ((IPEndPoint)_socket.LocalEndPoint!).Port;
    }

    public int Number { get; }

    public void Dispose() => _socket.Dispose();
}
