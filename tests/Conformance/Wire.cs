using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Conformance;

/// <summary>Requests as they go over the wire, for what no client library shows.</summary>
internal sealed class Wire(HttpMessageInvoker http, Uri server) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public Task<Answer> GetAsync(string path, string accept = "application/json") => SendAsync(HttpMethod.Get, path, null, "", accept);

    public Task<Answer> PostAsync(string path, string body) => SendAsync(HttpMethod.Post, path, body);

    public Task<Answer> PutAsync(string path, string body) => SendAsync(HttpMethod.Put, path, body);

    public Task<Answer> MergeAsync(string path, string body) => SendAsync(HttpMethod.Patch, path, body, "application/merge-patch+json");

    public Task<Answer> DeleteAsync(string path, string? body = null) => SendAsync(HttpMethod.Delete, path, body);

    /// <summary>The events of a watch that the server ends, as <c>timeoutSeconds</c> in the path asks.</summary>
    public async Task<List<JsonNode>> WatchAsync(string path) =>
        [.. (await GetAsync(path)).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonNode.Parse(line)!)];

    public void Dispose() => http.Dispose();

    private async Task<Answer> SendAsync(HttpMethod method, string path, string? body, string type = "application/json", string accept = "application/json")
    {
        using var request = new HttpRequestMessage(method, new Uri(server, path));
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }

        using var limit = new CancellationTokenSource(Limit);
        using var response = await http.SendAsync(request, limit.Token);
        var text = await response.Content.ReadAsStringAsync(limit.Token);
        var warnings = response.Headers.TryGetValues("Warning", out var given) ? string.Join('\n', given) : "";
        return new Answer((int)response.StatusCode, text, warnings);
    }
}

/// <param name="Warnings">The <c>Warning</c> headers, a line each.</param>
internal sealed record Answer(int Code, string Text, string Warnings)
{
    public JsonNode Body => JsonNode.Parse(Text)!;

    public string? At(params ReadOnlySpan<string> path)
    {
        JsonNode? node = Body;
        foreach (var step in path) node = int.TryParse(step, out var index) && node is JsonArray ? node[index] : node?[step];
        return node switch { null => null, JsonValue value => value.ToString(), _ => node.ToJsonString() };
    }

    public IEnumerable<string> Names => Body["items"]!.AsArray().Select(static i => (string)i!["metadata"]!["name"]!);

    public Answer Gave(int code)
    {
        Assert.True(Code == code, $"{Code} instead of {code}: {Text}");
        return this;
    }
}
