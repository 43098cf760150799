using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>One request to the API, whoever carried it here.</summary>
/// <param name="Method">The HTTP method, in capitals.</param>
/// <param name="Path">The path as it stood in the URL, still percent-encoded.</param>
public sealed record ApiRequest(string Method, string Path)
{
    /// <summary>What follows the question mark, still encoded.</summary>
    public string Query { get; init; } = "";

    public string Accept { get; init; } = "";
    public string ContentType { get; init; } = "";
    public string UserAgent { get; init; } = "";
    /// <summary>The protocol that the client wants to go on with, such as <c>websocket</c>; empty for plain HTTP.</summary>
    public string Upgrade { get; init; } = "";

    /// <summary>The protocols within WebSocket that the client knows, the preferred one first.</summary>
    public ImmutableArray<string> Subprotocols { get; init; } = [];

    /// <summary>Whom the request comes from; its host has made sure.</summary>
    public ApiUser User { get; init; } = ApiUser.Owner;

    public ReadOnlyMemory<byte> Body { get; init; }
}
