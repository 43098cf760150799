using System.Net.Http.Headers;
using Kube.Testing;
using Kube.Types;

namespace Kube.Client.Tests;

public sealed class KubeClientTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly VirtualClock _clock = new();
    private readonly ScriptedHandler _server = new();

    private KubeClient Client(TimeSpan? timeout = null, string server = "http://test.invalid/") =>
        new(_server, new Uri(server), new KubeClientOptions(timeout ?? Timeout.InfiniteTimeSpan, "test/1"), _clock);

    [Fact]
    public async Task Items_of_a_list_become_objects_that_know_their_kind()
    {
        _server.Json("""{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"t"},"items":[{"metadata":{"name":"a"}},{ },{"kind":"Pod","apiVersion":"v1","metadata":{"name":"b"}},1,{"metadata":{"name":"c"}}]}""");
        var page = await Client().ListAsync(Kinds.Pod, "x", new ListOptions(), None);
        Assert.Equal(("9", "t"), (page.ResourceVersion, page.Continue));
        Assert.Equal("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}""", page.Items[0].Root.GetRawText());
        Assert.Equal("""{"apiVersion":"v1","kind":"Pod"}""", page.Items[1].Root.GetRawText());
        Assert.Equal(("b", "Pod"), (page.Items[2].Meta.Name, page.Items[2].Kind));
        Assert.Equal(("c", "Pod"), (page.Items[3].Meta.Name, page.Items[3].Kind));
        Assert.Single(page.Malformed);
    }

    [Fact]
    public async Task One_bad_item_of_a_list_is_named_and_the_others_are_kept()
    {
        _server.Json("""{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"a"},"x":1,"x":2},{"metadata":{"name":"b"}}]}""");
        var page = await Client().ListAsync(Kinds.Pod, "x", new ListOptions(), None);
        Assert.Equal("b", Assert.Single(page.Items).Meta.Name);
        Assert.Contains(" a:", Assert.Single(page.Malformed));
    }

    [Fact]
    public async Task A_refusal_is_typed_and_keeps_the_servers_wish_to_wait()
    {
        _server.Status(409, "Conflict", "the object has been modified")
            .Status(429, "TooManyRequests", "", r => r.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(7)))
            .Json("<html>bad gateway</html>", System.Net.HttpStatusCode.BadGateway);
        var client = Client();
        var conflict = await Assert.ThrowsAsync<ApiException>(() => client.GetAsync(Kinds.Pod, "a", "x", None));
        Assert.True(conflict.IsConflict);
        Assert.Equal(Responsibility.Replan, conflict.Responsibility);
        var busy = await Assert.ThrowsAsync<ApiException>(() => client.GetAsync(Kinds.Pod, "a", "x", None));
        Assert.Equal(TimeSpan.FromSeconds(7), busy.Status.RetryAfter);
        var proxy = await Assert.ThrowsAsync<ApiException>(() => client.GetAsync(Kinds.Pod, "a", "x", None));
        Assert.Equal((502, "<html>bad gateway</html>"), (proxy.Status.Code, proxy.Message));
    }

    [Fact]
    public async Task A_request_that_gets_no_answer_ends_by_the_given_clock_and_says_which_it_was()
    {
        _server.Then(async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _clock, cancellation);
            throw new InvalidOperationException("unreachable");
        });
        var pending = Client(TimeSpan.FromSeconds(10)).GetAsync(Kinds.Pod, "a", "x", None);
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(pending.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var fault = await Assert.ThrowsAsync<HttpRequestException>(() => pending);
        Assert.Equal("GET /api/v1/namespaces/a/pods/x: no answer within 10 s", fault.Message);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_no_answer()
    {
        var stream = new PushStream();
        stream.Push("""{"metadata":""");
        stream.Break(new IOException("connection reset by peer"));
        _server.Stream(stream).Json("{");
        var fault = await Assert.ThrowsAsync<HttpRequestException>(() => Client().GetAsync(Kinds.Pod, "a", "x", None));
        Assert.Contains("connection reset by peer", fault.Message);
        Assert.True(stream.Disposed);
        Assert.Contains("no JSON", (await Assert.ThrowsAsync<HttpRequestException>(() => Client().GetAsync(Kinds.Pod, "a", "x", None))).Message);
    }

    [Fact]
    public async Task The_callers_cancellation_is_no_failure_of_the_server()
    {
        using var cancel = new CancellationTokenSource();
        _server.Then(async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _clock, cancellation);
            throw new InvalidOperationException("unreachable");
        });
        var pending = Client(TimeSpan.FromSeconds(10)).GetAsync(Kinds.Pod, "a", "x", cancel.Token);
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending);
    }

    [Fact]
    public async Task Requests_name_the_program_and_keep_the_servers_path()
    {
        _server.Json("""{"major":"1"}""");
        var version = await Client(server: "https://proxy.invalid/k8s/clusters/c/").ReadAsync("/version", None);
        Assert.Equal("1", version.Text("major"));
        Assert.Equal("GET /k8s/clusters/c/version", _server.Asked[0]);
        Assert.Equal("test/1", _server.Requests[0].Headers.UserAgent.ToString());
        Assert.Equal("application/json", _server.Requests[0].Headers.Accept.ToString());
    }

    [Fact]
    public async Task A_patch_is_sent_as_it_is()
    {
        _server.Json("""{"metadata":{"name":"x"}}""");
        await Client().PatchAsync(Kinds.Pod, "a", "x", Patch.Merge(new System.Text.Json.Nodes.JsonObject { ["a"] = "ä" }), "status", None);
        Assert.Equal("""PATCH /api/v1/namespaces/a/pods/x/status {"a":"ä"}""", _server.Asked[0]);
        Assert.Equal("application/merge-patch+json", _server.Requests[0].Content!.Headers.ContentType!.ToString());
    }

    [Fact]
    public void Over_a_handler_that_completes_inline_everything_completes_inline()
    {
        _server.Json("""{"metadata":{"name":"x"}}""").Json("""{"metadata":{},"items":[]}""").Watch(out _);
        var client = Client();
        Assert.True(client.GetAsync(Kinds.Pod, "a", "x", None).IsCompletedSuccessfully);
        Assert.True(client.ListAsync(Kinds.Pod, "a", new ListOptions(), None).IsCompletedSuccessfully);
        Assert.True(client.WatchAsync(Kinds.Pod, "a", new WatchOptions("1"), None).IsCompletedSuccessfully);
    }
}
