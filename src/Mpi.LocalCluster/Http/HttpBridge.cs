using System.Diagnostics;
using System.IO.Compression;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Kube.ApiServer;
using Kube.Types;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Mpi.LocalCluster;

/// <summary>Carries requests and answers between HTTP and the API server.</summary>
internal sealed class HttpBridge(KubeApiServer server, byte[] token, CancellationToken stopping)
{
    /// <summary>A long list is sent in pieces of this size, so that it is not buffered as a whole a second time.</summary>
    private const int FlushBytes = 256 * 1024;

    private static readonly ApiUser Anonymous = new("system:anonymous", ["system:unauthenticated"]);
    /// <summary>Answers of this size are compressed for clients that take it; kube-apiserver's threshold.</summary>
    private const long GzipBytes = 128 * 1024;

    private const int LogBufferBytes = 16 * 1024;
    private const string WebSocket = "websocket";
    private static readonly string[] OpenPaths = ["/healthz", "/livez", "/readyz"];
    private readonly byte[] _tokenHash = SHA256.HashData(token);

    /// <summary>What the local cluster answers beside the Kubernetes API, by path and query; null for what belongs to the API.</summary>
    public Func<string, string, byte[]?> Beside { get; set; } = static (_, _) => null;

    public async Task HandleAsync(HttpContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
            var question = target.IndexOf('?', StringComparison.Ordinal);
            var path = question < 0 ? target : target[..question];
            var query = question < 0 ? "" : target[(question + 1)..];
            ApiResponse response = Identify(context, path) switch
            {
                null => Refusal(new ApiStatus(401, ApiReason.Unauthorized, "Unauthorized")),
                // Only the owner may look at the cluster itself.
                { } user when user == ApiUser.Owner && Beside(path, query) is { } answer => new ApiResponse.Content([answer]),
                { } user => await server.HandleAsync(await ReadAsync(context.Request, path, query, user, ended.Token), ended.Token),
            };
            if (response is ApiResponse.Upgrade upgrade) await ConverseAsync(context, upgrade, ended.Token);
            else await WriteAsync(context.Response, response, ended.Token);
        }
        catch (BadHttpRequestException refused)
        {
            var reason = refused.StatusCode == 413 ? ApiReason.RequestEntityTooLarge : ApiReason.BadRequest;
            if (!context.Response.HasStarted) await WriteAsync(context.Response, Refusal(new ApiStatus(refused.StatusCode, reason, refused.Message)), CancellationToken.None);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The client went away, or the server stops: there is nobody to answer.
        }
        catch (Exception broken) when (broken is IOException or WebSocketException)
        {
            // The connection broke while an answer was written: the client asks again.
        }
    }

    private static ApiResponse.Content Refusal(ApiStatus status) => new([status.ToTree().ToUtf8()]) { Code = status.Code };

    /// <summary>
    /// The owner by the cluster's token, or a service account by one of its own; null for nobody. Hashes are compared, in constant
    /// time, so that neither content nor length of the token shows.
    /// </summary>
    private ApiUser? Identify(HttpContext context, string path)
    {
        const string Scheme = "Bearer ";
        var header = context.Request.Headers.Authorization.ToString();
        var given = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : "";
        if (CryptographicOperations.FixedTimeEquals(_tokenHash, SHA256.HashData(Encoding.UTF8.GetBytes(given)))) return ApiUser.Owner;
        return server.Authenticate(given) ?? (OpenPaths.Contains(path) ? Anonymous : null);
    }

    private static async ValueTask<ApiRequest> ReadAsync(HttpRequest request, string path, string query, ApiUser user, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> body = default;
        var sockets = request.HttpContext.WebSockets;
        var asked = request.Headers.Upgrade.ToString();
        // A handshake that is none (a POST, a key that is missing) is no request to upgrade.
        var upgrade = sockets.IsWebSocketRequest ? WebSocket : asked.Equals(WebSocket, StringComparison.OrdinalIgnoreCase) ? "" : asked;
        // What follows an upgrade request belongs to the new protocol.
        if (request.ContentLength is not 0 && asked.Length == 0)
        {
            using var buffer = new MemoryStream((int)(request.ContentLength ?? 0));
            await request.Body.CopyToAsync(buffer, cancellation);
            body = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        }

        return new ApiRequest(request.Method, path)
        {
            Query = query,
            User = user,
            Accept = request.Headers.Accept.ToString(),
            ContentType = request.ContentType ?? "",
            UserAgent = request.Headers.UserAgent.ToString(),
            Upgrade = upgrade,
            Subprotocols = [.. sockets.WebSocketRequestedProtocols],
            Body = body,
        };
    }

    private static async Task ConverseAsync(HttpContext context, ApiResponse.Upgrade upgrade, CancellationToken cancellation)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync(upgrade.Subprotocol);
        await upgrade.Converse(socket, cancellation);
    }

    private static async Task WriteAsync(HttpResponse to, ApiResponse response, CancellationToken cancellation)
    {
        to.StatusCode = response.Code;
        to.ContentType = response.ContentType;
        to.Headers.CacheControl = "no-cache, private";
        foreach (var warning in response.Warnings) to.Headers.Append("Warning", WarningHeader.Format(warning));
        if (response.RetryAfterSeconds is { } seconds) to.Headers.RetryAfter = seconds.ToString();
        switch (response)
        {
            case ApiResponse.Content content:
                await WriteContentAsync(to, content, cancellation);
                break;
            case ApiResponse.Watch watch:
                await WriteWatchAsync(to, watch.Events, cancellation);
                break;
            case ApiResponse.Bytes bytes:
                await WriteStreamAsync(to, bytes.Stream, cancellation);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private static async Task WriteContentAsync(HttpResponse to, ApiResponse.Content content, CancellationToken cancellation)
    {
        if (to.StatusCode == StatusCodes.Status204NoContent) return;
        var length = content.Parts.Sum(static p => (long)p.Length);
        if (length >= GzipBytes && to.HttpContext.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.Ordinal))
        {
            await WriteGzipAsync(to, content, cancellation);
            return;
        }

        to.ContentLength = length;
        var unflushed = 0;
        foreach (var part in content.Parts)
        {
            System.Buffers.BuffersExtensions.Write(to.BodyWriter, part.Span);
            unflushed += part.Length;
            if (unflushed < FlushBytes) continue;
            await to.BodyWriter.FlushAsync(cancellation);
            unflushed = 0;
        }

        await to.BodyWriter.FlushAsync(cancellation);
    }

    private static async Task WriteGzipAsync(HttpResponse to, ApiResponse.Content content, CancellationToken cancellation)
    {
        to.Headers.ContentEncoding = "gzip";
        to.Headers.Vary = "Accept-Encoding";
        await using var gzip = new GZipStream(to.Body, CompressionLevel.Fastest, leaveOpen: true);
        foreach (var part in content.Parts) await gzip.WriteAsync(part, cancellation);
    }

    /// <summary>Sends what has arrived in one flush, then waits for more, until either side ends the watch.</summary>
    private static async Task WriteWatchAsync(HttpResponse to, WatchStream watch, CancellationToken cancellation)
    {
        using (watch)
        {
            // The headers go at once: a client takes their arrival for the watch's beginning.
            await to.StartAsync(cancellation);
            await to.BodyWriter.FlushAsync(cancellation);
            while (true)
            {
                while (watch.TryRead(to.BodyWriter))
                {
                    if (to.BodyWriter.UnflushedBytes >= FlushBytes) await to.BodyWriter.FlushAsync(cancellation);
                }

                await to.BodyWriter.FlushAsync(cancellation);
                if (watch.Ended) return;
                await watch.WaitAsync(cancellation);
            }
        }
    }

    private static async Task WriteStreamAsync(HttpResponse to, Stream stream, CancellationToken cancellation)
    {
        await using (stream)
        {
            await to.StartAsync(cancellation);
            await to.BodyWriter.FlushAsync(cancellation);
            while (true)
            {
                var count = await stream.ReadAsync(to.BodyWriter.GetMemory(LogBufferBytes), cancellation);
                if (count == 0) return;
                to.BodyWriter.Advance(count);
                await to.BodyWriter.FlushAsync(cancellation);
            }
        }
    }
}
