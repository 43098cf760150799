using System.Net;
using System.Net.Sockets;
using System.Text;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>Whether an sshd greets at a port: its first line that begins with <c>SSH-</c> (RFC 4253, 4.2).</summary>
public sealed class BannerReader(INameResolver names, TimeProvider time)
{
    /// <summary>Other lines may come first; RFC 4253 sets no bound, so this is ours.</summary>
    private const int LongestGreeting = 8 * 1024;

    public async Task<ProbeResult> TryAsync(string host, int port, TimeSpan limit, CancellationToken cancellation)
    {
        var addresses = await names.ResolveAsync(host, cancellation);
        if (addresses.Length == 0) return SshDiagnosis.Failed(UnreachableCause.NameUnknown, $"{host}: the name does not resolve");

        ProbeResult.Failed? failure = null;
        foreach (var address in addresses)
        {
            switch (await TryAddressAsync(new IPEndPoint(address, port), limit, cancellation))
            {
                case ProbeResult.Failed one: failure ??= one; break;
                case var reached: return reached;
            }
        }

        return failure!;
    }

    private async Task<ProbeResult> TryAddressAsync(IPEndPoint address, TimeSpan limit, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address, both.Token);
            return await GreetsAsync(socket, both.Token)
                ? new ProbeResult.Reached()
                : SshDiagnosis.Failed(UnreachableCause.Closed, $"{address} answered without an ssh greeting: what listens there is no sshd");
        }
        catch (SocketException fault)
        {
            var cause = fault.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => UnreachableCause.Refused,
                SocketError.ConnectionReset => UnreachableCause.Closed,
                SocketError.TimedOut or SocketError.HostUnreachable or SocketError.NetworkUnreachable => UnreachableCause.Silent,
                _ => UnreachableCause.Other,
            };
            return SshDiagnosis.Failed(cause, $"connect to {address}: {fault.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return SshDiagnosis.Failed(UnreachableCause.Silent, $"connect to {address}: no ssh greeting within {limit.TotalSeconds} s");
        }
    }

    private static async Task<bool> GreetsAsync(Socket socket, CancellationToken cancellation)
    {
        var buffer = new byte[LongestGreeting];
        var length = 0;
        while (length < buffer.Length)
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, cancellation);
            if (count == 0) return false;
            length += count;
            if (Encoding.ASCII.GetString(buffer, 0, length).Split('\n').Any(static line => line.StartsWith("SSH-", StringComparison.Ordinal))) return true;
        }

        return false;
    }
}
