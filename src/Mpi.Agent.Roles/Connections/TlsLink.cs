using System.ComponentModel;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Mpi.Agent.Roles;

/// <summary>
/// Makes greeted connections of TCP ones: TLS 1.3, both sides proven by the job's certificates, then a greeting each. Whatever
/// is wrong with the other side is an <see cref="IOException"/>; nothing of ours was said to it before it was proven.
/// </summary>
public sealed class TlsLink(AgentCredentials credentials, TimeProvider time, LivenessPace pace)
{
    /// <summary>From TCP's connection to the greeting. A machine that is short of everything needs seconds for its first handshake.</summary>
    public static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(15);

    private readonly SslStreamCertificateContext _own = SslStreamCertificateContext.Create(credentials.Own, additionalCertificates: null, offline: true);

    /// <summary>The launcher's side. The connection is the link's own, or closed.</summary>
    public Task<AgentLink> AcceptAsync(Socket socket, Hello own, CancellationToken cancellation) => WithinLimitAsync(socket, async (tls, limit) =>
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _own,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            CertificateChainPolicy = Trust(),
            RemoteCertificateValidationCallback = (_, certificate, _, _) => credentials.IsPeer(certificate),
        };
        await tls.AuthenticateAsServerAsync(options, limit);
        var frames = new FrameLink(tls);
        var peer = await GreetingAsync(frames, limit);
        if (peer.Role != AgentRole.Worker) throw new ProtocolException($"{peer.Role} dialled a launcher");
        frames.Post(own.ToFrame());
        return new AgentLink(frames, peer, time, pace);
    }, cancellation);

    /// <summary>The worker's side.</summary>
    public Task<AgentLink> ConnectAsync(Socket socket, Hello own, CancellationToken cancellation) => WithinLimitAsync(socket, async (tls, limit) =>
    {
        var options = new SslClientAuthenticationOptions
        {
            // No name is sent and none is checked: the certificate itself is what is known.
            TargetHost = "",
            ClientCertificateContext = _own,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            CertificateChainPolicy = Trust(),
            RemoteCertificateValidationCallback = (_, certificate, _, _) => credentials.IsPeer(certificate),
        };
        await tls.AuthenticateAsClientAsync(options, limit);
        var frames = new FrameLink(tls);
        frames.Post(own.ToFrame());
        var peer = await GreetingAsync(frames, limit);
        return peer.Role == AgentRole.Worker ? throw new ProtocolException("a worker answered for a launcher") : new AgentLink(frames, peer, time, pace);
    }, cancellation);

    private async Task<AgentLink> WithinLimitAsync(Socket socket, Func<SslStream, CancellationToken, Task<AgentLink>> handshake, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(HandshakeLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            socket.NoDelay = true;
            return await handshake(new SslStream(new NetworkStream(socket, ownsSocket: true)), both.Token);
        }
        catch (Exception fault)
        {
            socket.Dispose();
            switch (fault)
            {
                case AuthenticationException:
                    throw new IOException($"it is no member of this job: {(fault.InnerException ?? fault).Message}", fault);
                case OperationCanceledException when !cancellation.IsCancellationRequested:
                    throw new IOException($"no greeting within {HandshakeLimit.TotalSeconds:0} s", fault);
                case SocketException or Win32Exception or ObjectDisposedException or InvalidOperationException:
                    throw new IOException(fault.Message, fault);
                default:
                    throw;
            }
        }
    }

    private static async Task<Hello> GreetingAsync(FrameLink frames, CancellationToken cancellation) =>
        await frames.ReadAsync(cancellation) is { } frame ? Hello.Read(frame) : throw new IOException("it closed the connection instead of a greeting");

    /// <summary>.NET builds a chain before it asks; this one needs no look at files, network or clock.</summary>
    private X509ChainPolicy Trust()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            VerificationFlags = X509VerificationFlags.AllFlags,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.Add(credentials.Peer);
        return policy;
    }
}
