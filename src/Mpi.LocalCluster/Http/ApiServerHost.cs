using System.Net;
using System.Text;
using Kube.ApiServer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Mpi.LocalCluster;

/// <summary>
/// Puts an API server on a loopback port, behind TLS and one token. Owns the web server and its keys, not the
/// <see cref="KubeApiServer"/>, whose watches it ends when it stops.
/// </summary>
public sealed class ApiServerHost : IAsyncDisposable
{
    /// <summary>kube-apiserver's limit of a request body.</summary>
    /// <summary>What the names of Services end with unless a cluster says otherwise.</summary>
    public const string UsualDomain = "cluster.local";

    private const long BodyBytesMax = 3 * 1024 * 1024;

    /// <summary>Watches are streams of one connection, and a client opens one for each kind and namespace.</summary>
    private const int StreamsPerConnectionMax = 1000;

    /// <summary>What may be left of a request after its watch was ended or its token cancelled.</summary>
    /// <summary>
    /// An unasked-for pong, so often. kubectl gives up after a minute without one, and its pings go unanswered while a slow command holds up
    /// the input behind which they queue.
    /// </summary>
    private static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;
    private readonly KubeApiServer _server;
    private readonly ServingCertificate _certificate;
    private readonly CancellationTokenSource _stopping;
    private readonly HttpBridge _bridge;

    private ApiServerHost(WebApplication app, HttpBridge bridge, KubeApiServer server, ServingCertificate certificate, CancellationTokenSource stopping, string token)
    {
        (_app, _bridge, _server, _certificate, _stopping, Token) = (app, bridge, server, certificate, stopping, token);
        Url = new Uri(app.Urls.Single());
    }

    /// <summary>Such as <c>https://127.0.0.1:41234</c>.</summary>
    public Uri Url { get; }

    /// <summary>Whoever presents it is the owner of the cluster.</summary>
    public string Token { get; }

    /// <summary>The certificate authority that clients are to trust, in PEM.</summary>
    public string AuthorityPem => _certificate.AuthorityPem;

    /// <param name="port">0 lets the system choose one.</param>
    /// <exception cref="IOException">The port is in use.</exception>
    public static Task<ApiServerHost> StartAsync(KubeApiServer server, string token, TimeProvider time, int port, CancellationToken cancellation) =>
        StartAsync(server, token, time, port, UsualDomain, cancellation);

    /// <inheritdoc cref="StartAsync(KubeApiServer, string, TimeProvider, int, CancellationToken)"/>
    /// <param name="clusterDomain">What its full name ends with for pods.</param>
    public static async Task<ApiServerHost> StartAsync(KubeApiServer server, string token, TimeProvider time, int port, string clusterDomain, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentException.ThrowIfNullOrEmpty(token);
        var certificate = ServingCertificate.Create(time.GetUtcNow(), clusterDomain);
        var stopping = new CancellationTokenSource();

        // The empty builder reads no environment and no files, so that nothing but this code decides where it listens.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Configure(kestrel, certificate, port));
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = ShutdownTimeout);
        var app = builder.Build();
        var bridge = new HttpBridge(server, Encoding.UTF8.GetBytes(token), stopping.Token);
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = KeepAliveInterval });
        app.Run(bridge.HandleAsync);
        try
        {
            await app.StartAsync(cancellation);
        }
        catch
        {
            await app.DisposeAsync();
            certificate.Dispose();
            stopping.Dispose();
            throw;
        }

        var host = new ApiServerHost(app, bridge, server, certificate, stopping, token);
        server.Publish(new ApiAddress(IPAddress.Loopback, host.Url.Port, host.AuthorityPem));
        return host;
    }

    /// <summary>Answers paths beside the Kubernetes API, to whoever has the token; null leaves a path to the API.</summary>
    internal void AnswerBeside(Func<string, string, byte[]?> answer) => _bridge.Beside = answer;

    /// <summary>Writes a kubeconfig that only its owner can read; a file that is there is replaced at once, never half.</summary>
    public void WriteKubeconfig(string path) => Kubeconfig.Write(path, Url, AuthorityPem, Token);

    public async ValueTask DisposeAsync()
    {
        // Watches end in order, so that clients see the end of a stream and no broken one; logs and the rest are cut.
        _server.EndWatches();
        await _stopping.CancelAsync();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        _certificate.Dispose();
        _stopping.Dispose();
    }

    private static void Configure(KestrelServerOptions kestrel, ServingCertificate certificate, int port)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
        kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnectionMax;
        // A watch may be silent, and its reader slow, for as long as they like.
        kestrel.Limits.MinResponseDataRate = null;
        // Warnings quote field names, which may hold any character.
        kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.UTF8;
        kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            // HTTP/1.1 stays offered beside HTTP/2: kubectl exec's WebSocket needs it.
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(certificate.Certificate);
        });
    }

    /// <summary>Signals belong to the program, not to its web server.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
