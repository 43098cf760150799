using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;

namespace Kube.Client;

/// <summary>
/// The client's side of RFC 6455 over any <see cref="HttpMessageHandler"/>. Our own, because the library's hides the body of a refusal, in
/// which the API server says why.
/// </summary>
internal static class WebSocketHandshake
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(20);

    public static void Offer(HttpRequestMessage message, IEnumerable<string> subprotocols)
    {
        message.Version = HttpVersion.Version11;
        message.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        message.Headers.Connection.Add("Upgrade");
        message.Headers.TryAddWithoutValidation("Upgrade", "websocket");
        message.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");
        // Only tells this handshake from a replayed one; nothing depends on its value.
        message.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)));
        message.Headers.TryAddWithoutValidation("Sec-WebSocket-Protocol", string.Join(", ", subprotocols));
    }

    /// <exception cref="HttpRequestException">The answer accepts nothing that was offered.</exception>
    public static async Task<WebSocket> AcceptAsync(KubeRequest request, HttpResponseMessage response, CancellationToken cancellation)
    {
        var protocol = Header(response, "Sec-WebSocket-Protocol");
        if (response.StatusCode != HttpStatusCode.SwitchingProtocols || !request.Subprotocols.Contains(protocol))
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, $"{request}: the server did not go on by WebSocket (status {(int)response.StatusCode}, protocol \"{protocol}\")");
        }

        return WebSocket.CreateFromStream(await response.Content.ReadAsStreamAsync(cancellation), new WebSocketCreationOptions { SubProtocol = protocol, KeepAliveInterval = KeepAlive });
    }

    private static string Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : "";
}
