using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Kube.Client;

/// <summary>
/// The way to one cluster: its address, how to trust it, who we are to it. Found by <see cref="Load"/> as kubectl finds it, or made by
/// hand. Opens no connection itself.
/// </summary>
/// <param name="Server">Scheme, host, port, and perhaps a path.</param>
/// <param name="Source">Where it was described, for people.</param>
public sealed record ClusterConnection(Uri Server, string Source)
{
    /// <summary>The namespace to use where none is named.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>The context's name in the kubeconfig; empty without one.</summary>
    public string Context { get; init; } = "";

    /// <summary>The certificate authorities to trust; null for those of the machine.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>The name that the server's certificate must bear, when it is not the address's host.</summary>
    public string TlsServerName { get; init; } = "";

    /// <summary>Trust whatever answers. What the user asked for in so many words.</summary>
    public bool SkipTlsVerification { get; init; }

    /// <summary>Our certificate with its private key, and the intermediate ones.</summary>
    public SslStreamCertificateContext? ClientCertificate { get; init; }

    /// <summary>What goes into the header <c>Authorization</c>; null for nothing.</summary>
    public IClusterCredentials? Credentials { get; init; }

    /// <exception cref="ConnectionException">No way is described, or wrongly.</exception>
    public static ClusterConnection Load(ClusterConnectionOptions options, TimeProvider time) => KubeConfig.Load(options, time);

    /// <summary>A client of its own: connections are not shared with other clients of this cluster.</summary>
    public KubeClient CreateClient(KubeClientOptions options, TimeProvider time) => new(CreateHandler(), Server, options, time);

    public HttpMessageHandler CreateHandler() => CreateHandler(connect: null);

    /// <param name="connect">Makes the streams to the server; null for sockets.</param>
    internal HttpMessageHandler CreateHandler(Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>>? connect)
    {
        HttpMessageHandler handler = new SocketsHttpHandler
        {
            ConnectCallback = connect,
            AllowAutoRedirect = false,
            UseCookies = false,
            // As Go does: a proxy of the environment is not for this machine itself.
            UseProxy = !Server.IsLoopback,
            AutomaticDecompression = Server.IsLoopback ? DecompressionMethods.None : DecompressionMethods.GZip,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90),
            // One connection carries 100 to 250 streams, and each watch holds one.
            EnableMultipleHttp2Connections = true,
            // A peer that vanished without a word is noticed within half a minute, not when TCP gives up.
            KeepAlivePingDelay = TimeSpan.FromSeconds(20),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            ActivityHeadersPropagator = null,
            SslOptions = TlsOptions(),
        };
        if (TlsServerName.Length > 0) handler = new HostHeaderHandler(TlsServerName, handler);
        return Credentials is null ? handler : new AuthorizationHandler(Credentials, handler);
    }

    private SslClientAuthenticationOptions TlsOptions()
    {
        var tls = new SslClientAuthenticationOptions { CertificateRevocationCheckMode = X509RevocationMode.NoCheck };
        if (Authorities is { } authorities)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        if (SkipTlsVerification) tls.RemoteCertificateValidationCallback = (_, _, _, faults) => SkipTlsVerification || faults == SslPolicyErrors.None;
        if (ClientCertificate is { } own) tls.ClientCertificateContext = own;
        // A plugin's certificate is known only once the plugin has run, which is before the first connection is opened.
        else if (Credentials is { MayBringCertificate: true } plugin) tls.LocalCertificateSelectionCallback = (_, _, _, _, _) => plugin.Certificate!;
        return tls;
    }
}
