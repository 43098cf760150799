using System.ComponentModel;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Mpi.Agent.Roles;

/// <summary>How the two ends of a connection prove to each other that they belong to one job: TLS in earnest, nothing in a simulation.</summary>
public interface IConnectionProof
{
    /// <summary>The launcher's end. The stream that is returned owns the one that is given.</summary>
    /// <exception cref="IOException">The other end is no worker of this job, or went away.</exception>
    Task<Stream> AsLauncherAsync(Stream connection, CancellationToken cancellation);

    /// <summary>The worker's end.</summary>
    /// <exception cref="IOException">The other end is no launcher of this job, or went away.</exception>
    Task<Stream> AsWorkerAsync(Stream connection, CancellationToken cancellation);
}

/// <summary>TLS 1.3, both sides proven by the job's certificates (docs/decisions/0009).</summary>
public sealed class JobTls(AgentCredentials credentials) : IConnectionProof
{
    private readonly SslStreamCertificateContext _own = SslStreamCertificateContext.Create(credentials.Own, additionalCertificates: null, offline: true);

    public Task<Stream> AsLauncherAsync(Stream connection, CancellationToken cancellation) => ProveAsync(connection, tls => tls.AuthenticateAsServerAsync(
        new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _own,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            CertificateChainPolicy = Trust(),
            RemoteCertificateValidationCallback = (_, certificate, _, _) => credentials.IsPeer(certificate),
        },
        cancellation));

    public Task<Stream> AsWorkerAsync(Stream connection, CancellationToken cancellation) => ProveAsync(connection, tls => tls.AuthenticateAsClientAsync(
        new SslClientAuthenticationOptions
        {
            // No name is sent and none is checked: the certificate itself is what is known.
            TargetHost = "",
            ClientCertificateContext = _own,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            CertificateChainPolicy = Trust(),
            RemoteCertificateValidationCallback = (_, certificate, _, _) => credentials.IsPeer(certificate),
        },
        cancellation));

    private static async Task<Stream> ProveAsync(Stream connection, Func<SslStream, Task> authenticate)
    {
        var tls = new SslStream(connection);
        try
        {
            await authenticate(tls);
            return tls;
        }
        catch (AuthenticationException fault)
        {
            throw new IOException($"it is no member of this job: {(fault.InnerException ?? fault).Message}", fault);
        }
        catch (Exception fault) when (fault is Win32Exception or InvalidOperationException)
        {
            throw new IOException(fault.Message, fault);
        }
    }

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
