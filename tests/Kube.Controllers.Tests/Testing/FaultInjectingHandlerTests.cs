using System.Net;
using System.Text;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class FaultInjectingHandlerTests
{
    private readonly VirtualClock _clock = new();

    [Theory]
    [InlineData("GET", "/api/v1/namespaces/ns/pods/x", "get pods ns/x")]
    [InlineData("GET", "/api/v1/namespaces/ns/pods?limit=5", "list pods ns/")]
    [InlineData("GET", "https://host:1/api/v1/pods?watch=true&resourceVersion=4", "watch pods /")]
    [InlineData("PUT", "/apis/batch/v1/namespaces/ns/jobs/j/status", "update jobs/status ns/j")]
    [InlineData("DELETE", "/api/v1/namespaces/ns/pods", "deletecollection pods ns/")]
    [InlineData("DELETE", "/api/v1/namespaces/ns", "delete namespaces /ns")]
    [InlineData("PUT", "/api/v1/namespaces/ns/finalize", "update namespaces/finalize /ns")]
    [InlineData("POST", "/apis/apps/v1/namespaces/ns/statefulsets", "create statefulsets ns/")]
    public void A_request_is_named_by_what_it_asks(string method, string url, string expected) =>
        Assert.Equal(expected, ApiRequest.Read(1, new HttpRequestMessage(new HttpMethod(method), new Uri(url, UriKind.RelativeOrAbsolute))).ToString());

    [Fact]
    public async Task A_refused_request_never_reaches_the_server_and_says_why()
    {
        var (client, handler, server) = Make("");
        handler.OnRequest = _ => Fault.TooManyRequests(TimeSpan.FromSeconds(3));
        using var answer = await client.PostAsync("/api/v1/namespaces/ns/pods", null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(3), answer.Headers.RetryAfter?.Delta);
        Assert.Equal(TimeSpan.FromSeconds(3), ApiStatus.Read(429, await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).RetryAfter);
        Assert.Equal((0, 1), (server.Served, handler.Count("create", "pods")));
    }

    [Fact]
    public async Task A_lost_answer_comes_after_the_write_landed()
    {
        var (client, handler, server) = Make("");
        handler.OnRequest = _ => Fault.TimeoutAfterLanding();
        await Assert.ThrowsAsync<HttpRequestException>(() => client.PostAsync("/api/v1/namespaces/ns/pods", null, TestContext.Current.CancellationToken));
        Assert.Equal(1, server.Served);
    }

    [Fact]
    public async Task Watch_events_are_dropped_repeated_delayed_and_cut()
    {
        var (client, handler, _) = Make("a\nb\nc\nd\ne\n");
        handler.OnWatchEvent = (_, line) => Encoding.UTF8.GetString(line.Span).Trim() switch
        {
            "b" => new WatchFault.Drop(),
            "c" => new WatchFault.Duplicate(),
            "d" => new WatchFault.Delay(TimeSpan.FromSeconds(10)),
            "e" => new WatchFault.Cut(),
            _ => null,
        };
        var stream = await client.GetStreamAsync("/api/v1/pods?watch=true", TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        Assert.Equal("a", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal("c", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Equal("c", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        var late = reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.False(late.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("d", await late);
        Assert.Null(await reader.ReadLineAsync(TestContext.Current.CancellationToken));
    }

    private (HttpClient, FaultInjectingHandler, Server) Make(string body)
    {
        var server = new Server(body);
        var handler = new FaultInjectingHandler(server, _clock);
        return (new HttpClient(handler) { BaseAddress = new Uri("http://in-process") }, handler, server);
    }

    private sealed class Server(string body) : HttpMessageHandler
    {
        public int Served { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Served++;
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body) });
        }
    }
}
