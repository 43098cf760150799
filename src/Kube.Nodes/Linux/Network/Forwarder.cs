using System.Net;
using System.Net.Sockets;

namespace Kube.Nodes.Linux;

/// <summary>
/// Takes connections at one address and passes their bytes on to another, both ways, until both sides have ended. Who calls is not
/// seen behind it: connections come from the node's address, as through kube-proxy with masquerading.
/// </summary>
internal sealed class Forwarder : IAsyncDisposable
{
    /// <summary>Further ones wait in the listener's queue.</summary>
    private const int ConnectionsAtMost = 4096;

    private readonly Socket _listener;
    private readonly Func<EndPoint?, CancellationToken, Task<Socket?>> _connect;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _free = new(ConnectionsAtMost, ConnectionsAtMost);
    private readonly Task _accepting;

    /// <param name="listener">Belongs to the forwarder from here on.</param>
    /// <param name="connect">Leads on for a caller; null when nobody is there, and then the caller is hung up on.</param>
    public Forwarder(Socket listener, Func<EndPoint?, CancellationToken, Task<Socket?>> connect)
    {
        _listener = listener;
        _connect = connect;
        _accepting = AcceptAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        // Connections end by the same token; what they hold is released when they notice.
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _free.WaitAsync(_stopping.Token);
                _ = ServeAsync(await _listener.AcceptAsync(_stopping.Token));
            }
        }
        catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The listener was taken away.
        }
    }

    private async Task ServeAsync(Socket caller)
    {
        try
        {
            using (caller)
            using (var target = await _connect(caller.RemoteEndPoint, _stopping.Token))
            {
                if (target is null) return;
                caller.NoDelay = true;
                await Task.WhenAll(PumpAsync(caller, target), PumpAsync(target, caller));
            }
        }
        catch (Exception broken) when (broken is OperationCanceledException or SocketException or ObjectDisposedException or SandboxException)
        {
            // A connection that breaks on one side breaks on the other: both sockets are closed.
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>One direction, to its end; the other may go on.</summary>
    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer.AsMemory(), _stopping.Token)) > 0)
            {
                for (var sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stopping.Token);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            // The other direction would wait for ever on a socket whose partner is gone.
            from.Dispose();
            to.Dispose();
            throw;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
