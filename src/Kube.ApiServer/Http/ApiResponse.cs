using System.Collections.Immutable;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What the API answers: bytes at once, a watch, bytes that arrive over time, or a conversation.</summary>
public abstract record ApiResponse
{
    private ApiResponse() { }

    /// <summary>The HTTP status code.</summary>
    public int Code { get; init; } = 200;

    public string ContentType { get; init; } = MediaType.Json;

    /// <summary>Texts of <c>Warning</c> headers (code 299), which kubectl shows.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>Seconds of a <c>Retry-After</c> header; null for none.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>The whole body; in parts, so that a list can be made of stored bytes without copying them.</summary>
    public sealed record Content(ImmutableArray<ReadOnlyMemory<byte>> Parts) : ApiResponse;

    /// <summary>A watch; whoever carries it to the client reads until it ends, and disposes it.</summary>
    public sealed record Watch(WatchStream Events) : ApiResponse;

    /// <summary>Bytes as they come, such as a followed log; the carrier disposes the stream.</summary>
    public sealed record Bytes(Stream Stream) : ApiResponse;

    /// <summary>A conversation over WebSocket (exec, attach). The carrier accepts it with this subprotocol, runs the conversation to its end, and disposes the socket.</summary>
    /// <param name="Converse">Returns when either side has ended it. Throws only what breaks a connection, and cancellation.</param>
    public sealed record Upgrade(string Subprotocol, Func<WebSocket, CancellationToken, Task> Converse) : ApiResponse;

    /// <summary>JSON answers end their line, as Go's encoder does; <c>kubectl get --raw</c> shows it.</summary>
    private static readonly byte[] Newline = "\n"u8.ToArray();

    internal static Content Of(ReadOnlyMemory<byte> body, int code = 200) => new([body, Newline]) { Code = code };

    internal static Content Of(JsonObject tree, int code = 200) => Of(tree.ToUtf8(), code);

    internal static Content Of(ApiStatus status) => Of(status.ToTree(), status.Code) with
    {
        RetryAfterSeconds = status.RetryAfter is { } wait ? (int)Math.Ceiling(wait.TotalSeconds) : null,
    };

    /// <summary>The answer where no group is served, in plain text as kube-apiserver gives it.</summary>
    internal static Content NotServed => Text("404 page not found\n", 404);

    internal static Content Text(string text, int code = 200) => new([System.Text.Encoding.UTF8.GetBytes(text)]) { Code = code, ContentType = "text/plain; charset=utf-8" };
}

internal static class MediaType
{
    public const string Json = "application/json";
    public const string Yaml = "application/yaml";
    public const string Protobuf = "application/vnd.kubernetes.protobuf";
    public const string MergePatch = "application/merge-patch+json";
    public const string JsonPatch = "application/json-patch+json";
    public const string StrategicPatch = "application/strategic-merge-patch+json";
    public const string ApplyPatch = "application/apply-patch+yaml";
}
