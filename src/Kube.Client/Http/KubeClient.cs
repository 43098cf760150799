using System.Text.Json;
using Kube.Types;

namespace Kube.Client;

/// <param name="Timeout">
/// How long one request may take, answer included (a watch or a log: until it begins). Infinite sets no timer at all, as a simulation wants it.
/// </param>
/// <param name="UserAgent">Names the program in the server's logs and in <c>managedFields</c>.</param>
public sealed record KubeClientOptions(TimeSpan Timeout, string UserAgent)
{
    /// <summary>An answer may have so many bytes; a page of 500 large objects has some tens of millions.</summary>
    public long AnswerBytesMax { get; init; } = 512L * 1024 * 1024;

    /// <summary>For programs: 30 seconds a request.</summary>
    public static KubeClientOptions Default { get; } = new(TimeSpan.FromSeconds(30), "kubempi");
}

/// <summary>
/// The API of one server, over any <see cref="HttpMessageHandler"/>: a socket's, the in-process server's, or a test's. Sends each request
/// once; repeating is the caller's decision, who knows what has changed meanwhile. Thread-safe.
/// </summary>
public sealed class KubeClient : IKubeClient, IDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly Uri _server;
    private readonly KubeClientOptions _options;
    private readonly TimeProvider _time;

    /// <param name="handler">Disposed with the client.</param>
    /// <param name="server">Scheme, host, port, and a path where the API stands below one.</param>
    public KubeClient(HttpMessageHandler handler, Uri server, KubeClientOptions options, TimeProvider time)
    {
        _http = new HttpMessageInvoker(handler, disposeHandler: true);
        _server = server;
        _options = options;
        _time = time;
    }

    public void Dispose() => _http.Dispose();

    public async Task<KubeObject> GetAsync(ResourceKind kind, string? ns, string name, CancellationToken cancellation) =>
        await ObjectAsync(KubeRequests.Get(kind, ns, name), cancellation);

    public async Task<ListPage> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken cancellation)
    {
        var request = KubeRequests.List(kind, ns, options);
        return Read(request, await BytesAsync(request, cancellation), body => ListPageReader.Read(body, kind));
    }

    public async Task<IWatch> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken cancellation)
    {
        var response = await OpenAsync(KubeRequests.Watch(kind, ns, options), cancellation);
        try
        {
            return new StreamWatch(await response.Content.ReadAsStreamAsync(cancellation), response, _time);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    public async Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, CancellationToken cancellation) =>
        await ObjectAsync(KubeRequests.Create(kind, obj), cancellation);

    public async Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, string subresource, CancellationToken cancellation) =>
        await ObjectAsync(KubeRequests.Create(kind, obj, subresource), cancellation);

    public async Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, string? subresource, CancellationToken cancellation) =>
        await ObjectAsync(KubeRequests.Update(kind, obj, subresource), cancellation);

    public async Task<KubeObject> PatchAsync(ResourceKind kind, string? ns, string name, Patch patch, string? subresource, CancellationToken cancellation) =>
        await ObjectAsync(KubeRequests.Patch(kind, ns, name, patch, subresource), cancellation);

    public async Task DeleteAsync(ResourceKind kind, string? ns, string name, DeleteOptions options, CancellationToken cancellation) =>
        await BytesAsync(KubeRequests.Delete(kind, ns, name, options), cancellation);

    public async Task DeleteCollectionAsync(ResourceKind kind, string ns, ListOptions which, DeleteOptions options, CancellationToken cancellation) =>
        await BytesAsync(KubeRequests.DeleteCollection(kind, ns, which, options), cancellation);

    /// <summary>Any other JSON of the server: discovery (<c>/apis</c>), <c>/version</c>.</summary>
    /// <inheritdoc cref="IKubeReader" path="/summary"/>
    public async Task<JsonElement> ReadAsync(string pathAndQuery, CancellationToken cancellation)
    {
        var request = new KubeRequest(HttpMethod.Get, pathAndQuery);
        return Read(request, await BytesAsync(request, cancellation), static body => JsonElement.Parse(body.Span, JsonLimits.Options));
    }

    /// <summary>Opens a container's log. The stream is the caller's.</summary>
    public async Task<Stream> OpenLogAsync(string ns, string pod, LogOptions options, CancellationToken cancellation)
    {
        var response = await OpenAsync(KubeRequests.Log(ns, pod, options), cancellation);
        // Disposing the content's stream ends the response, for every handler there is.
        return await response.Content.ReadAsStreamAsync(cancellation);
    }

    /// <summary>
    /// Starts a command in a container that runs. Needs a server of Kubernetes 1.30 or later, or one that speaks <c>v4.channel.k8s.io</c>, and a
    /// connection to it: in process there is none.
    /// </summary>
    /// <exception cref="ApiException">The server refuses. What the node refuses comes with <see cref="RemoteProcess.WaitAsync"/>.</exception>
    public async Task<RemoteProcess> ExecAsync(string ns, string pod, ExecOptions options, CancellationToken cancellation)
    {
        var request = KubeRequests.Exec(ns, pod, options);
        var response = await OpenAsync(request, cancellation);
        try
        {
            return new RemoteProcess(await WebSocketHandshake.AcceptAsync(request, response, cancellation), response, request.ToString());
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request and returns the bytes of its answer.</summary>
    public async Task<ReadOnlyMemory<byte>> BytesAsync(KubeRequest request, CancellationToken cancellation)
    {
        using var limit = new RequestLimit(_options.Timeout, _time, cancellation);
        try
        {
            using var response = await SendAsync(request, limit.Token);
            return await ResponseBody.ReadAsync(response.Content, _options.AnswerBytesMax, limit.Token);
        }
        catch (Exception fault) when (Translate(fault, request, limit, cancellation) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Sends a request and returns once its answer begins; the timeout does not bind what follows.</summary>
    private async Task<HttpResponseMessage> OpenAsync(KubeRequest request, CancellationToken cancellation)
    {
        using var limit = new RequestLimit(_options.Timeout, _time, cancellation);
        try
        {
            return await SendAsync(request, limit.Token);
        }
        catch (Exception fault) when (Translate(fault, request, limit, cancellation) is { } translated)
        {
            throw translated;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(KubeRequest request, CancellationToken cancellation)
    {
        using var message = request.ToMessage(_server);
        message.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        var response = await _http.SendAsync(message, cancellation);
        if (response.IsSuccessStatusCode || response.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols) return response;
        using (response)
        {
            var body = await ResponseBody.ReadAsync(response.Content, ErrorBytesMax, cancellation);
            var status = ApiStatus.Read((int)response.StatusCode, body.Span);
            var header = response.Headers.RetryAfter;
            var wait = header?.Delta ?? (header?.Date is { } date ? date - _time.GetUtcNow() : null);
            throw new ApiException(wait is { } asked && asked > TimeSpan.Zero ? status with { RetryAfter = asked } : status);
        }
    }

    private const int ErrorBytesMax = 4 * 1024 * 1024;

    private async Task<KubeObject> ObjectAsync(KubeRequest request, CancellationToken cancellation) =>
        Read(request, await BytesAsync(request, cancellation), KubeObject.Parse);

    private static T Read<T>(KubeRequest request, ReadOnlyMemory<byte> body, Func<ReadOnlyMemory<byte>, T> read)
    {
        try
        {
            return read(body);
        }
        catch (JsonException fault)
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, $"{request}: the answer is no JSON of the Kubernetes API: {fault.Message}", fault);
        }
    }

    /// <summary>Every way of not getting an answer becomes an <see cref="HttpRequestException"/> that names the request; the caller's own cancellation stays what it is.</summary>
    private static HttpRequestException? Translate(Exception fault, KubeRequest request, RequestLimit limit, CancellationToken cancellation) => fault switch
    {
        OperationCanceledException when cancellation.IsCancellationRequested => null,
        OperationCanceledException when limit.Passed => new HttpRequestException($"{request}: no answer within {limit.Timeout.TotalSeconds} s", new TimeoutException()),
        HttpRequestException http => new HttpRequestException(http.HttpRequestError, $"{request}: {Innermost(http)}", http, http.StatusCode),
        IOException or OperationCanceledException => new HttpRequestException(HttpRequestError.ResponseEnded, $"{request}: {fault.Message}", fault),
        _ => null,
    };

    private static string Innermost(Exception fault) => fault.InnerException is { } inner and not OperationCanceledException && inner.Message != fault.Message
        ? $"{fault.Message} ({Innermost(inner)})"
        : fault.Message;
}
