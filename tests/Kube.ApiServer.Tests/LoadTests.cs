using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Kube.ApiServer.Tests;

/// <summary>
/// Many at once. <c>KUBEMPI_LOAD_OBJECTS=100000</c> and <c>KUBEMPI_LOAD_WATCHERS=200</c> make it the full size, which
/// <c>benchmarks/ApiServerLoad</c> measures.
/// </summary>
public sealed class LoadTests
{
    private const string Ns = "/api/v1/namespaces/default";
    private const int Writers = 20;

    [Fact]
    public async Task Every_watcher_sees_every_change_once_and_in_order()
    {
        var (objects, watchers) = (Setting("KUBEMPI_LOAD_OBJECTS", 2_000), Setting("KUBEMPI_LOAD_WATCHERS", 50));
        using var server = new KubeApiServer(new ApiServerOptions { Random = new Random(1), LogCapacity = objects * 2 });
        var cancellation = TestContext.Current.CancellationToken;

        // Half of them begin before there is anything, half somewhere in the middle, by a list and a watch from its revision.
        var early = Enumerable.Range(0, watchers / 2).Select(_ => FollowAsync(server, objects, cancellation)).ToList();
        var writing = Parallel.ForAsync(0, Writers, new ParallelOptions { MaxDegreeOfParallelism = Writers, CancellationToken = cancellation }, async (writer, token) =>
        {
            for (var i = writer; i < objects; i += Writers)
            {
                await SendAsync(server, "POST", $"{Ns}/configmaps", $$$"""{"metadata":{"name":"m-{{{i}}}"},"data":{"state":"new"}}""", token);
                await SendAsync(server, "PATCH", $"{Ns}/configmaps/m-{i}", """{"data":{"state":"done"}}""", token);
            }
        });
        var late = Enumerable.Range(0, watchers - (watchers / 2)).Select(async _ =>
        {
            await Task.Yield();
            await FollowAsync(server, objects, cancellation);
        }).ToList();
        await writing;
        await Task.WhenAll([.. early, .. late]);
    }

    /// <summary>Lists, watches from there, and holds each event against what it has seen, until every object is done.</summary>
    private static async Task FollowAsync(KubeApiServer server, int objects, CancellationToken cancellation)
    {
        var states = new Dictionary<string, string>(StringComparer.Ordinal);
        var list = JsonElement.Parse(await SendAsync(server, "GET", $"{Ns}/configmaps", null, cancellation));
        var revision = Number(list.GetProperty("metadata"));
        foreach (var item in list.GetProperty("items").EnumerateArray()) states.Add(Name(item), State(item));

        var answer = await server.HandleAsync(new ApiRequest("GET", $"{Ns}/configmaps") { Query = $"watch=1&resourceVersion={revision}" }, cancellation);
        using var watch = Assert.IsType<ApiResponse.Watch>(answer).Events;
        var arrived = new ArrayBufferWriter<byte>();
        while (states.Count < objects || states.ContainsValue("new"))
        {
            await watch.WaitAsync(cancellation);
            arrived.ResetWrittenCount();
            while (watch.TryRead(arrived)) { }
            Assert.False(watch.Ended, "the watch ended before every change was seen");
            foreach (var line in Encoding.UTF8.GetString(arrived.WrittenSpan).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var change = JsonElement.Parse(line);
                var obj = change.GetProperty("object");
                Assert.True(Number(obj.GetProperty("metadata")) > revision, "a change came twice, or out of order");
                revision = Number(obj.GetProperty("metadata"));
                var (name, type) = (Name(obj), change.GetProperty("type").GetString());
                Assert.Equal(states.ContainsKey(name) ? "MODIFIED" : "ADDED", type);
                Assert.Equal(type == "ADDED" ? "new" : "done", State(obj));
                states[name] = State(obj);
            }
        }

        Assert.Equal(objects, states.Count);
    }

    private static async Task<byte[]> SendAsync(KubeApiServer server, string method, string path, string? body, CancellationToken cancellation)
    {
        var answer = await server.HandleAsync(
            new ApiRequest(method, path) { ContentType = method == "PATCH" ? "application/merge-patch+json" : "application/json", Body = Encoding.UTF8.GetBytes(body ?? "") }, cancellation);
        var parts = Assert.IsType<ApiResponse.Content>(answer).Parts;
        var whole = parts.SelectMany(static p => p.ToArray()).ToArray();
        Assert.True(answer.Code < 300, Encoding.UTF8.GetString(whole));
        return whole;
    }

    private static long Number(JsonElement meta) => long.Parse(meta.GetProperty("resourceVersion").GetString()!, CultureInfo.InvariantCulture);

    private static string Name(JsonElement obj) => obj.GetProperty("metadata").GetProperty("name").GetString()!;

    private static string State(JsonElement obj) => obj.GetProperty("data").GetProperty("state").GetString()!;

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
