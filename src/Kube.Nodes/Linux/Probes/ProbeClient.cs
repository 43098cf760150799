using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;

namespace Kube.Nodes.Linux;

/// <summary>The requests that a node makes of its pods, from its own address in the cluster's network. Thread-safe.</summary>
internal sealed class ProbeClient : IDisposable
{
    private const string UserAgent = "kube-probe/1.34";

    private readonly ClusterSockets _sockets;
    private readonly HttpMessageInvoker _http;

    public ProbeClient(ClusterSockets sockets)
    {
        _sockets = sockets;
        _http = NewClient();
    }

    /// <summary>The answer's head; its body is not read.</summary>
    /// <exception cref="HttpRequestException">There is no answer; worded as Go's HTTP client would.</exception>
    public async Task<HttpResponseMessage> GetAsync(HttpTarget target, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, target.Url) { Version = HttpVersion.Version11 };
        request.Headers.ConnectionClose = true;
        foreach (var (name, value) in target.Headers)
        {
            // An empty User-Agent asks for none at all; every other header goes as it is.
            if (value.Length > 0 || !name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase)) request.Headers.TryAddWithoutValidation(name, value);
        }

        if (!target.Headers.Any(static h => h.Name.Equals("User-Agent", StringComparison.OrdinalIgnoreCase))) request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        if (!target.Headers.Any(static h => h.Name.Equals("Accept", StringComparison.OrdinalIgnoreCase))) request.Headers.TryAddWithoutValidation("Accept", "*/*");
        return await SendAsync(_http, request, $"Get \"{target.Url.OriginalString}\"", cancellation);
    }

    /// <summary>One unary gRPC call without TLS: status and message of the answer, and its bytes.</summary>
    /// <exception cref="HttpRequestException">There is no answer.</exception>
    public async Task<(int Status, string Message, ReadOnlyMemory<byte> Answer)> CallAsync(IPEndPoint to, string method, ReadOnlyMemory<byte> question, CancellationToken cancellation)
    {
        // A message is preceded by a byte that says "not compressed" and four of its length.
        var framed = new byte[5 + question.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), question.Length);
        question.Span.CopyTo(framed.AsSpan(5));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{to}/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(framed) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        // HTTP/2 has no "close after this": the connection goes with its client.
        using var client = NewClient();
        using var response = await SendAsync(client, request, $"call of {method} at {to}", cancellation);
        var body = await response.Content.ReadAsByteArrayAsync(cancellation);
        var status = Header("grpc-status") is { } text && int.TryParse(text, CultureInfo.InvariantCulture, out var code) ? code : (int)response.StatusCode;
        return (status, Uri.UnescapeDataString(Header("grpc-message") ?? ""), body.Length > 5 ? body.AsMemory(5) : default);

        // A refusal has no body, and then its status stands among the headers.
        string? Header(string name) =>
            response.TrailingHeaders.TryGetValues(name, out var trailing) ? trailing.FirstOrDefault() : response.Headers.TryGetValues(name, out var leading) ? leading.FirstOrDefault() : null;
    }

    /// <exception cref="HttpRequestException">Nobody listens there.</exception>
    public async Task TouchAsync(string host, int port, CancellationToken cancellation)
    {
        try
        {
            (await ConnectAsync(host, port, cancellation)).Dispose();
        }
        catch (IOException failed)
        {
            throw new HttpRequestException(Words(failed), failed);
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpMessageInvoker NewClient() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, cancellation) => new NetworkStream(await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation), ownsSocket: true),
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        PooledConnectionLifetime = TimeSpan.Zero,
        // What a pod serves is asked whether it lives, not who it is: the kubelet takes any certificate, too.
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null },
    });

    private static async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker client, HttpRequestMessage request, string what, CancellationToken cancellation)
    {
        try
        {
            return await client.SendAsync(request, cancellation);
        }
        catch (HttpRequestException failed)
        {
            throw new HttpRequestException($"{what}: {Words(failed)}", failed);
        }
    }

    private async Task<Socket> ConnectAsync(string host, int port, CancellationToken cancellation)
    {
        var address = IPAddress.TryParse(host, out var given) ? given : (await Dns.GetHostAddressesAsync(host, AddressFamily.InterNetwork, cancellation))[0];
        var to = new IPEndPoint(address, port);
        try
        {
            return await _sockets.ConnectAsync(to, cancellation);
        }
        catch (SocketException refused)
        {
            throw new ConnectException(to, refused);
        }
    }

    private static string Words(Exception failed)
    {
        for (var cause = failed; cause is not null; cause = cause.InnerException)
        {
            if (cause is ConnectException connect) return connect.Message;
        }

        return failed.InnerException is { } inner && failed is HttpRequestException ? inner.Message : failed.Message;
    }

    /// <summary>A connection that did not come about, in the words that people search for.</summary>
    private sealed class ConnectException(IPEndPoint to, SocketException cause) : IOException(
        $"dial tcp {to}: connect: {cause.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => "connection refused",
            SocketError.HostUnreachable => "no route to host",
            SocketError.NetworkUnreachable => "network is unreachable",
            SocketError.TimedOut => "connection timed out",
            _ => cause.Message,
        }}",
        cause);
}
