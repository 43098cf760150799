using System.Net;
using System.Net.Http.Headers;
using Kube.Testing;
using Kube.Types;

namespace Kube.Client.Tests;

public sealed class ReflectorTests
{
    private sealed record Pod(string Name, string Node, string Version);

    private static readonly StoreIndex<Pod> ByNode = new("node", static p => p.Node.Length == 0 ? [] : [p.Node]);

    private readonly VirtualClock _clock = new();
    private readonly ScriptedHandler _server = new();
    private readonly List<string> _failures = [];
    private readonly List<string> _changes = [];
    private readonly Store<Pod> _store = new(static o => new Pod(o.Meta.Name, o.Root.Text("node") ?? "", o.Meta.ResourceVersion), ByNode);
    private readonly Reflector<Pod> _reflector;
    private readonly Stepper _stepper;

    public ReflectorTests()
    {
        var client = new KubeClient(_server, new Uri("http://test.invalid/"), new KubeClientOptions(Timeout.InfiniteTimeSpan, "t"), _clock);
        _reflector = new Reflector<Pod>(client, Kinds.Pod, "x", _store, new ReflectorOptions { PageSize = 2, OnFailure = (what, wait) => _failures.Add($"{what}{(wait is null ? "" : " (waits)")}") }, _clock, new Random(1));
        _store.Subscribe(c => _changes.Add((c.Old, c.New) switch { (null, _) => $"+{c.Key.Name}", (_, null) => $"-{c.Key.Name}", _ => $"~{c.Key.Name}" }));
        _stepper = new Stepper(_clock, new Random(1)).Add(_reflector);
    }

    private static string Item(string name, string version, string node = "") =>
        $$"""{"metadata":{"namespace":"x","name":"{{name}}","resourceVersion":"{{version}}"},"node":"{{node}}"}""";

    private static string List(string version, string next, params string[] items) =>
        $$"""{"metadata":{"resourceVersion":"{{version}}","continue":"{{next}}"},"items":[{{string.Join(",", items)}}]}""";

    private static string Event(string type, string item) => $$"""{"type":"{{type}}","object":{{item}}}""";

    private IEnumerable<string> Held => _store.Snapshot.Values.Select(p => $"{p.Name}@{p.Version}");

    [Fact]
    public async Task Pages_are_swapped_in_together_and_then_watched()
    {
        _server.Json(List("9", "t", Item("b", "3"), Item("a", "2"))).Json(List("9", "", Item("c", "4"))).Watch(out var watch);
        Assert.True(await _reflector.StepAsync(CancellationToken.None));
        Assert.Equal(0, _store.Snapshot.Count);
        Assert.False(_reflector.HasSynced);
        _stepper.RunUntilQuiet();
        Assert.True(_reflector.HasSynced);
        Assert.Equal(["a@2", "b@3", "c@4"], Held);
        Assert.Equal("GET /api/v1/namespaces/x/pods?limit=2", _server.Asked[0]);
        Assert.Equal("GET /api/v1/namespaces/x/pods?limit=2&continue=t", _server.Asked[1]);
        Assert.Contains("watch=true&allowWatchBookmarks=true&resourceVersion=9&timeoutSeconds=", _server.Asked[2]);

        watch.Line(Event("ADDED", Item("d", "10")));
        watch.Line(Event("MODIFIED", Item("a", "11", "n")));
        watch.Line(Event("DELETED", Item("b", "12")));
        _stepper.RunUntilQuiet();
        Assert.Equal(["a@11", "c@4", "d@10"], Held);
        Assert.Equal("a", Assert.Single(_store.Having(ByNode, "n")).Name);
        Assert.Equal(["+a", "+b", "+c", "+d", "~a", "-b"], _changes);
        Assert.Empty(_failures);
    }

    [Fact]
    public void A_watch_that_breaks_in_a_line_is_taken_up_where_it_stood()
    {
        _server.Json(List("9", "", Item("a", "2"))).Watch(out var first).Watch(out var second);
        _stepper.RunUntilQuiet();
        first.Line("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"15"}}}""");
        first.Push(Event("ADDED", Item("b", "16"))[..30]);
        first.Break(new IOException("connection reset by peer"));
        _stepper.RunFor(TimeSpan.FromSeconds(2));
        Assert.Contains("resourceVersion=15&", _server.Asked[^1]);
        Assert.True(first.Disposed);
        second.Line(Event("ADDED", Item("b", "16")));
        _stepper.RunUntilQuiet();
        Assert.Equal(["a@2", "b@16"], Held);
        Assert.Contains("connection reset by peer", Assert.Single(_failures));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_410_the_list_is_read_again_and_what_vanished_unseen_is_deleted(bool asEvent)
    {
        const string Expired = """{"kind":"Status","status":"Failure","message":"too old resource version","reason":"Expired","code":410}""";
        PushStream? watch = null;
        _server.Json(List("9", "", Item("a", "2"), Item("b", "3"), Item("c", "4")));
        if (asEvent) _server.Watch(out watch);
        else _server.Json(Expired, HttpStatusCode.Gone);
        _server.Json(List("20", "", Item("b", "3"), Item("c", "7"), Item("d", "8"))).Watch(out _);
        _stepper.RunUntilQuiet();
        watch?.Line($$"""{"type":"ERROR","object":{{Expired}}}""");
        _stepper.RunUntilQuiet();
        Assert.Equal(["b@3", "c@7", "d@8"], Held);
        Assert.Equal(["+a", "+b", "+c", "-a", "~c", "+d"], _changes);
        Assert.Empty(_failures);
    }

    [Fact]
    public void A_server_that_answers_410_again_and_again_is_not_asked_in_a_circle()
    {
        for (var i = 0; i < 20; i++) _server.Json(List("9", "")).Status(410, "Expired");
        _stepper.RunFor(TimeSpan.FromSeconds(1));
        Assert.InRange(_server.Asked.Count, 4, 8);
    }

    [Fact]
    public void A_page_token_that_expired_leads_to_one_whole_list()
    {
        _server.Json(List("9", "t", Item("a", "1"))).Status(410, "Expired").Json(List("12", "", Item("b", "2"))).Watch(out _);
        _stepper.RunUntilQuiet();
        Assert.Equal("GET /api/v1/namespaces/x/pods", _server.Asked[2]);
        Assert.Equal(["b@2"], Held);
    }

    [Fact]
    public void Failures_are_waited_out_longer_each_time_and_as_long_as_the_server_asks()
    {
        _server.Throw(new HttpRequestException("connection refused")).Status(500, "InternalError", "boom").Status(503, "ServiceUnavailable")
            .Status(429, "TooManyRequests", "slow down", r => r.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(60)))
            .Status(403, "Forbidden", "no rights").Json(List("9", "", Item("a", "1"))).Watch(out _);
        _stepper.RunFor(TimeSpan.FromSeconds(10));
        Assert.Equal(4, _server.Asked.Count);
        _stepper.RunFor(TimeSpan.FromSeconds(45));
        Assert.Equal(4, _server.Asked.Count);
        _stepper.RunFor(TimeSpan.FromSeconds(60));
        Assert.Equal(0, _server.Left);
        Assert.True(_reflector.HasSynced);
        Assert.Equal(5, _failures.Count);
    }

    [Fact]
    public void A_watch_that_goes_silent_is_replaced()
    {
        _server.Json(List("9", "")).Watch(out var first).Watch(out var second);
        _stepper.RunFor(TimeSpan.FromMinutes(2));
        first.Line("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"11"}}}""");
        _stepper.RunFor(TimeSpan.FromMinutes(2));
        Assert.False(first.Disposed);
        _stepper.RunFor(TimeSpan.FromMinutes(2));
        Assert.True(first.Disposed);
        Assert.Contains("resourceVersion=11&", _server.Asked[^1]);
        second.Line(Event("ADDED", Item("a", "12")));
        _stepper.RunUntilQuiet();
        Assert.Equal(["a@12"], Held);
    }

    [Fact]
    public void A_watch_that_the_server_ends_in_time_is_opened_anew_at_once_and_silently()
    {
        _server.Json(List("9", "")).Watch(out var first).Watch(out _);
        _stepper.RunFor(TimeSpan.FromMinutes(1));
        first.End();
        _stepper.RunUntilQuiet();
        Assert.Equal(0, _server.Left);
        Assert.Empty(_failures);
    }

    [Fact]
    public void A_watch_that_ends_as_it_begins_is_not_opened_in_a_circle()
    {
        _server.Json(List("9", ""));
        for (var i = 0; i < 50; i++)
        {
            _server.Watch(out var watch);
            watch.End();
        }

        _stepper.RunFor(TimeSpan.FromMinutes(1));
        Assert.InRange(_server.Asked.Count, 4, 12);
    }

    [Fact]
    public void A_broken_object_is_reported_and_the_others_go_on()
    {
        _server.Json(List("9", "", """{"metadata":{"name":"bad"},"x":1,"x":2}""", Item("a", "1"))).Watch(out var watch);
        _stepper.RunUntilQuiet();
        watch.Line("""{"type":"MODIFIED","object":{"metadata":{"namespace":"x","name":"a","resourceVersion":"10"},"y":1,"y":2}}""");
        watch.Line(Event("ADDED", Item("c", "11")));
        _stepper.RunUntilQuiet();
        Assert.Equal(["a@1", "c@11"], Held);
        Assert.Equal(2, _failures.Count);
        Assert.Contains("bad", _failures[0]);
        Assert.Contains("x/a", _failures[1]);
    }

    [Fact]
    public void A_repeated_or_late_subscriber_sees_what_is_there()
    {
        _server.Json(List("9", "", Item("a", "1"), Item("b", "1"))).Watch(out var watch);
        _stepper.RunUntilQuiet();
        var late = new List<string>();
        var subscription = _store.Subscribe(c => late.Add(c.Key.Name));
        Assert.Equal(["a", "b"], late);
        subscription.Dispose();
        watch.Line(Event("ADDED", Item("c", "11")));
        _stepper.RunUntilQuiet();
        Assert.Equal(["a", "b"], late);
    }

    [Fact]
    public void A_cache_that_was_found_wrong_is_listed_anew_soon_but_not_at_every_word()
    {
        _server.Json(List("9", "", Item("a", "1"), Item("lost", "2"))).Watch(out var first).Json(List("20", "", Item("a", "15"))).Watch(out _);
        _stepper.RunUntilQuiet();
        Assert.Equal("9", _reflector.SeenUpTo);
        _reflector.Relist();
        _stepper.RunFor(TimeSpan.FromSeconds(9));
        Assert.Equal(2, _server.Left);
        _stepper.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal(0, _server.Left);
        Assert.True(first.Disposed);
        Assert.Equal(["a@15"], Held);
        Assert.Equal("20", _reflector.SeenUpTo);
        Assert.Empty(_failures);
    }

    [Fact]
    public void An_event_that_was_lost_is_made_good_by_a_list_within_the_hour()
    {
        _server.Json(List("9", "", Item("lost", "2")));
        var watches = new List<PushStream>();
        void Watch()
        {
            _server.Watch(out var watch);
            watches.Add(watch);
        }

        Watch();
        _stepper.RunUntilQuiet();
        _server.Json(List("30", ""));
        Watch();
        for (var minute = 0; minute < 60 && _server.Left > 0; minute++)
        {
            watches[0].Line("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"11"}}}""");
            _stepper.RunFor(TimeSpan.FromMinutes(1));
        }

        Assert.Empty(Held);
    }

    [Fact]
    public void An_object_that_the_projection_leaves_out_is_not_kept_and_leaves_when_it_changes_so()
    {
        var store = new Store<Pod>(static o => o.Root.Text("node") == "theirs" ? null : new Pod(o.Meta.Name, "", o.Meta.ResourceVersion));
        var client = new KubeClient(_server, new Uri("http://test.invalid/"), new KubeClientOptions(Timeout.InfiniteTimeSpan, "t"), _clock);
        var reflector = new Reflector<Pod>(client, Kinds.Pod, "x", store, new ReflectorOptions(), _clock, new Random(1));
        _server.Json(List("9", "", Item("a", "1"), Item("b", "2", "theirs"))).Watch(out var watch);
        var stepper = new Stepper(_clock, new Random(1)).Add(reflector);
        stepper.RunUntilQuiet();
        Assert.Equal(["a"], store.Snapshot.Values.Select(static p => p.Name));
        watch.Line(Event("ADDED", Item("c", "10", "theirs")));
        watch.Line(Event("MODIFIED", Item("a", "11", "theirs")));
        stepper.RunUntilQuiet();
        Assert.Equal(0, store.Snapshot.Count);
        Assert.Equal("11", reflector.SeenUpTo);
    }

    [Fact]
    public void A_kind_that_may_be_absent_is_an_empty_cache_until_it_is_served()
    {
        var client = new KubeClient(_server, new Uri("http://test.invalid/"), new KubeClientOptions(Timeout.InfiniteTimeSpan, "t"), _clock);
        var reflector = new Reflector<Pod>(
            client, Kinds.Pod, "x", _store, new ReflectorOptions { AbsentPause = TimeSpan.FromMinutes(2), OnFailure = (what, _) => _failures.Add(what) }, _clock, new Random(1));
        _server.Json("404 page not found", HttpStatusCode.NotFound);
        var stepper = new Stepper(_clock, new Random(1)).Add(reflector);
        stepper.RunUntilQuiet();
        Assert.Equal((true, false), (reflector.HasSynced, reflector.IsServed));
        Assert.Empty(_failures);

        _server.Json(List("9", "", Item("a", "1"))).Watch(out _);
        stepper.RunFor(TimeSpan.FromMinutes(1));
        Assert.False(reflector.IsServed);
        stepper.RunFor(TimeSpan.FromMinutes(1));
        Assert.True(reflector.IsServed);
        Assert.Equal(["a@1"], Held);
    }

    [Fact]
    public void What_depends_on_a_kind_asks_for_nothing_until_that_is_served_and_goes_on_when_it_is_not_any_more()
    {
        var kinds = new ScriptedHandler();
        var client = new KubeClient(kinds, new Uri("http://test.invalid/"), new KubeClientOptions(Timeout.InfiniteTimeSpan, "t"), _clock);
        var other = new Store<Pod>(static o => new Pod(o.Meta.Name, "", o.Meta.ResourceVersion));
        var on = new Reflector<Pod>(client, Kinds.Job, "x", other, new ReflectorOptions { AbsentPause = TimeSpan.FromSeconds(30) }, _clock, new Random(1));
        var dependent = new DependentReflector(_reflector, on);
        var stepper = new Stepper(_clock, new Random(1)).Add(on, dependent);
        kinds.Json("404 page not found", HttpStatusCode.NotFound);
        stepper.RunFor(TimeSpan.FromSeconds(29));
        Assert.Equal((0, false, null), (_server.Requests.Count, dependent.HasSynced, dependent.NextDue));

        kinds.Json(List("9", "")).Watch(out var jobs);
        _server.Json(List("9", "", Item("a", "1"))).Watch(out var pods);
        stepper.RunFor(TimeSpan.FromSeconds(2));
        Assert.True(dependent.HasSynced);
        Assert.Equal(["a@1"], Held);

        jobs.Line("""{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}""");
        kinds.Json("404 page not found", HttpStatusCode.NotFound);
        pods.Line(Event("ADDED", Item("b", "10")));
        stepper.RunFor(TimeSpan.FromSeconds(5));
        Assert.False(on.IsServed);
        Assert.Equal(["a@1", "b@10"], Held);
    }
}
