using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Kube.Types;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary>
/// The conversion webhook's socket. It serves whoever reaches it, since API servers do not say who they are; so it holds nothing secret, and everything that
/// a request may take is bounded.
/// </summary>
internal sealed class ConversionEndpoint : IAsyncDisposable
{
    /// <summary>API servers send lists whole. Of objects of 10 KiB each these are 6,500.</summary>
    private const long BodyBytesMax = 64 << 20;

    /// <summary>Of longer bodies only one is held in memory at a time.</summary>
    private const long SmallBodyBytesMax = 1 << 20;

    private const int ConnectionsMax = 256;

    /// <summary>For one request, the wait for its turn included; API servers wait for 30 s.</summary>
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(5);

    private readonly WebApplication _application;
    private readonly SemaphoreSlim _large = new(1);

    private ConversionEndpoint(WebApplication application) => _application = application;

    public static async Task<ConversionEndpoint> StartAsync(ConversionWebhook webhook, TimeProvider time, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, webhook));
        var application = builder.Build();
        var endpoint = new ConversionEndpoint(application);
        application.Run(context => endpoint.AnswerAsync(context, webhook, time));
        await application.StartAsync(cancellation);
        return endpoint;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _large.Dispose();
    }

    private static void Configure(KestrelServerOptions kestrel, ConversionWebhook webhook)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
        kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
        kestrel.Limits.RequestHeadersTimeout = HandshakeLimit;
        kestrel.ListenAnyIP(webhook.Options.Port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                HandshakeTimeout = HandshakeLimit,
                // Asked at each handshake: a certificate that was made anew is served from the next connection on.
                OnConnection = _ => new ValueTask<SslServerAuthenticationOptions>(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = webhook.Certificate ?? throw new AuthenticationException("the webhook has no certificate yet"),
                    ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                }),
            });
        });
    }

    private async Task AnswerAsync(HttpContext context, ConversionWebhook webhook, TimeProvider time)
    {
        if (context.Request.Path != ConversionOptions.Path && context.Request.Path != webhook.Options.Url?.AbsolutePath)
        {
            await RefuseAsync(context, HttpStatusCode.NotFound, ApiReason.NotFound, $"there is {ConversionOptions.Path} and nothing else here");
            return;
        }

        if (!HttpMethods.IsPost(context.Request.Method))
        {
            await RefuseAsync(context, HttpStatusCode.MethodNotAllowed, ApiReason.MethodNotAllowed, "a ConversionReview is posted");
            return;
        }

        using var limit = new CancellationTokenSource(RequestLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        var isLarge = context.Request.ContentLength is not <= SmallBodyBytesMax;
        try
        {
            if (isLarge) await _large.WaitAsync(either.Token);
            try
            {
                using var body = new MemoryStream((int)Math.Min(context.Request.ContentLength ?? 0, BodyBytesMax));
                await context.Request.Body.CopyToAsync(body, either.Token);
                var answer = webhook.Answer(body.GetBuffer().AsSpan(0, (int)body.Length));
                context.Response.StatusCode = answer.Code;
                context.Response.ContentType = "application/json";
                context.Response.ContentLength = answer.Body.Length;
                await context.Response.Body.WriteAsync(answer.Body, either.Token);
            }
            finally
            {
                if (isLarge) _large.Release();
            }
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException broken)
        {
            var isTooLarge = broken.StatusCode == StatusCodes.Status413PayloadTooLarge;
            await RefuseAsync(
                context, (HttpStatusCode)broken.StatusCode, isTooLarge ? ApiReason.RequestEntityTooLarge : ApiReason.BadRequest,
                isTooLarge ? $"more than {BodyBytesMax >> 20} MiB are to be converted at once; list in smaller pages (kubectl get --chunk-size)" : broken.Message);
        }
        catch (OperationCanceledException)
        {
            // Nobody waits any more, or the sender is too slow to be waited for.
            context.Abort();
        }
    }

    private static async Task RefuseAsync(HttpContext context, HttpStatusCode code, string reason, string message)
    {
        if (context.Response.HasStarted) return;
        context.Response.StatusCode = (int)code;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(new ApiStatus((int)code, reason, message).ToTree().ToUtf8(), context.RequestAborted);
    }
}
