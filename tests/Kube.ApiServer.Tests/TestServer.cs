using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Testing;

namespace Kube.ApiServer.Tests;

/// <summary>A server under virtual time from a fixed seed, asked in process. Every answer is there when a call returns.</summary>
internal sealed class TestServer : IDisposable
{
    private readonly HttpClient _client;

    public TestServer(Func<ApiServerOptions, ApiServerOptions>? change = null)
    {
        var options = new ApiServerOptions { Time = Clock, Random = new Random(1) };
        Server = new KubeApiServer(change is null ? options : change(options));
        _client = new HttpClient(new InProcessHandler(Server)) { BaseAddress = InProcessHandler.BaseAddress, Timeout = Timeout.InfiniteTimeSpan };
    }

    public VirtualClock Clock { get; } = new();
    public KubeApiServer Server { get; }

    public Answer Get(string path, string? accept = null) => Send("GET", path, null, null, accept);

    public Answer Post(string path, string body, string? accept = null) => Send("POST", path, body, "application/json", accept);

    public Answer Put(string path, string body) => Send("PUT", path, body, "application/json");

    public Answer Put(string path, JsonNode body) => Put(path, body.ToJsonString());

    public Answer Patch(string path, string body, string type = "application/merge-patch+json") => Send("PATCH", path, body, type);

    /// <summary>Server-side apply.</summary>
    public Answer Apply(string path, string manager, string config, bool force = false) =>
        Send("PATCH", $"{path}?fieldManager={manager}{(force ? "&force=true" : "")}", config, "application/apply-patch+yaml");

    public Answer Delete(string path, string? body = null) => Send("DELETE", path, body, "application/json");

    public Answer Send(string method, string path, string? body, string? type, string? accept = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path.TrimStart('/'));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = Completed(_client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
        var text = Completed(response.Content.ReadAsStringAsync());
        var warnings = response.Headers.TryGetValues("Warning", out var values) ? values.ToList() : [];
        return new Answer(response.StatusCode, text, warnings);
    }

    public byte[] Bytes(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path.TrimStart('/'));
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = Completed(_client.SendAsync(request));
        return Completed(response.Content.ReadAsByteArrayAsync());
    }

    public TestWatch Watch(string path, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path.TrimStart('/'));
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = Completed(_client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead));
        return new TestWatch(Completed(response.Content.ReadAsStreamAsync()));
    }

    public void Dispose()
    {
        _client.Dispose();
        Server.Dispose();
    }

    /// <summary>In process everything completes at once; what does not is a fault of the server.</summary>
    private static T Completed<T>(Task<T> task)
    {
        Assert.True(task.IsCompleted, "the call did not complete on the caller's thread");
        return task.GetAwaiter().GetResult();
    }
}

internal static class TestJson
{
    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>With quotes within texts as the server writes them.</summary>
    public static string Written(this JsonNode node) => node.ToJsonString(Relaxed);
}

internal sealed record Answer(HttpStatusCode Code, string Text, List<string> Warnings)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    /// <summary>The object of an answer that must be a success.</summary>
    public JsonObject Object
    {
        get
        {
            Assert.True((int)Code < 300, Text);
            return (JsonObject)Json;
        }
    }

    public string ResourceVersion => (string)Object["metadata"]!["resourceVersion"]!;

    /// <summary>As where nothing is served.</summary>
    public void Fails404() => Assert.Equal(404, (int)Code);

    public Answer Fails(int code, string reason, string? messagePart = null)
    {
        Assert.Equal(code, (int)Code);
        Assert.Equal(reason, (string?)Json["reason"] ?? "");
        if (messagePart is not null) Assert.Contains(messagePart, (string)Json["message"]!);
        return this;
    }
}

/// <summary>An open watch, read as its events are made.</summary>
internal sealed class TestWatch : IDisposable
{
    private readonly Stream _stream;
    private readonly StringBuilder _text = new();

    public TestWatch(Stream stream)
    {
        _stream = stream;
        Reading = ReadAsync();
    }

    /// <summary>Completes when the stream has ended.</summary>
    public Task Reading { get; }

    public List<JsonNode> Events => [.. _text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => JsonNode.Parse(l)!)];

    /// <summary>Such as <c>ADDED a</c>.</summary>
    public List<string> Lines => Events.ConvertAll(static e => $"{e["type"]} {e["object"]!["metadata"]?["name"]}".TrimEnd());

    private async Task ReadAsync()
    {
        var buffer = new byte[4096];
        while (await _stream.ReadAsync(buffer) is var count and > 0) _text.Append(Encoding.UTF8.GetString(buffer, 0, count));
    }

    public void Dispose() => _stream.Dispose();
}
