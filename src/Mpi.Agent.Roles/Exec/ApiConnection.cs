using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Mpi.Agent.Roles;

/// <summary>One encrypted connection to the API server, which is proven by the pod's own list of authorities and nothing else.</summary>
/// <param name="OwnAddress">The address under which this pod goes out.</param>
internal sealed record ApiConnection(Stream Stream, IPAddress OwnAddress) : IAsyncDisposable
{
    // A node that vanished closes nothing: its silence ends the connection after half a minute.
    private const int SilenceBeforeAskingSeconds = 10, BetweenAsksSeconds = 5, Asks = 4;

    /// <exception cref="IOException">Nobody answers, or somebody else; the message says who was asked.</exception>
    public static async Task<ApiConnection> OpenAsync(ApiServer server, INameResolver names, CancellationToken cancellation)
    {
        var addresses = await names.ResolveAsync(server.Host, cancellation);
        if (addresses.IsEmpty) throw new IOException($"the API server's name {server.Host} (KUBERNETES_SERVICE_HOST) does not resolve");
        var socket = await ConnectAsync(server, [.. addresses], cancellation);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            await tls.AuthenticateAsClientAsync(TrustOnly(server.ReadAuthorities(), server.Host), cancellation);
            return new ApiConnection(tls, ((IPEndPoint)socket.LocalEndPoint!).Address);
        }
        catch (AuthenticationException fault)
        {
            await tls.DisposeAsync();
            throw new IOException($"the API server at {server.Address} is not the one that the pod's ca.crt vouches for: {fault.Message}", fault);
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    private static async Task<Socket> ConnectAsync(ApiServer server, IPAddress[] addresses, CancellationToken cancellation)
    {
        SocketException? last = null;
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, server.Port), cancellation);
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, SilenceBeforeAskingSeconds);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, BetweenAsksSeconds);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Asks);
                return socket;
            }
            catch (SocketException fault)
            {
                socket.Dispose();
                last = fault;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw new IOException($"the API server at {server.Address} does not answer: {last!.Message} (a NetworkPolicy must let the launcher reach it)", last);
    }

    private static SslClientAuthenticationOptions TrustOnly(X509Certificate2Collection authorities, string host)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.AddRange(authorities);
        return new SslClientAuthenticationOptions { TargetHost = host, CertificateChainPolicy = policy };
    }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
