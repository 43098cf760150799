using System.Collections.Immutable;
using System.Net.Http.Headers;

namespace Kube.Client;

/// <summary>A request to the API, built and not yet sent.</summary>
/// <param name="PathAndQuery">Relative to the server, beginning with a slash.</param>
public sealed record KubeRequest(HttpMethod Method, string PathAndQuery)
{
    public const string Json = "application/json";

    public ReadOnlyMemory<byte>? Body { get; init; }

    /// <summary>Of the body.</summary>
    public string ContentType { get; init; } = Json;

    public string Accept { get; init; } = Json;

    /// <summary>Not empty: asks the server to go on by WebSocket, in one of these protocols.</summary>
    public ImmutableArray<string> Subprotocols { get; init; } = [];

    internal HttpRequestMessage ToMessage(Uri server)
    {
        var message = new HttpRequestMessage(Method, new Uri(server, server.AbsolutePath.TrimEnd('/') + PathAndQuery))
        {
            // HTTP/2 where TLS negotiates it, HTTP/1.1 where it does not, and over plain HTTP.
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Headers.TryAddWithoutValidation("Accept", Accept);
        if (Body is { } body)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(ContentType);
        }

        if (!Subprotocols.IsEmpty) WebSocketHandshake.Offer(message, Subprotocols);
        return message;
    }

    public override string ToString() => $"{Method} {PathAndQuery}";
}
