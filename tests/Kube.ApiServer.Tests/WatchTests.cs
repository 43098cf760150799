namespace Kube.ApiServer.Tests;

public sealed class WatchTests : IDisposable
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private readonly TestServer _server = new(static o => o with { LogCapacity = 8 });

    public void Dispose() => _server.Dispose();

    private Answer Create(string name, string label = "v") => _server.Post(ConfigMaps, $$$$"""{"metadata":{"name":"{{{{name}}}}","labels":{"l":"{{{{label}}}}"}}}""");

    [Fact]
    public void A_watch_begins_with_what_there_is_and_goes_on_with_every_change()
    {
        Create("a");
        using var watch = _server.Watch($"{ConfigMaps}?watch=true");
        Create("b");
        _server.Patch($"{ConfigMaps}/a", """{"data":{"k":"v"}}""");
        _server.Delete($"{ConfigMaps}/b");
        Assert.Equal(["ADDED a", "ADDED b", "MODIFIED a", "DELETED b"], watch.Lines);
        var revisions = watch.Events.ConvertAll(static e => long.Parse((string)e["object"]!["metadata"]!["resourceVersion"]!));
        Assert.Equal(revisions.Order(), revisions);
        Assert.Equal(4, revisions.Distinct().Count());
    }

    [Fact]
    public void A_watch_from_a_revision_sees_only_what_came_after_it()
    {
        var seen = Create("a").ResourceVersion;
        Create("b");
        using var watch = _server.Watch($"{ConfigMaps}?watch=true&resourceVersion={seen}");
        Create("c");
        Assert.Equal(["ADDED b", "ADDED c"], watch.Lines);
    }

    [Fact]
    public async Task Who_waits_before_reading_is_not_left_waiting_for_what_came_before_the_watch()
    {
        var seen = Create("a").ResourceVersion;
        Create("b");
        var answer = await _server.Server.HandleAsync(new ApiRequest("GET", ConfigMaps) { Query = $"watch=1&resourceVersion={seen}" }, TestContext.Current.CancellationToken);
        using var watch = Assert.IsType<ApiResponse.Watch>(answer).Events;

        Assert.True(watch.WaitAsync(CancellationToken.None).IsCompleted);
        Assert.True(watch.TryRead(new System.Buffers.ArrayBufferWriter<byte>()));
        Assert.False(watch.TryRead(new System.Buffers.ArrayBufferWriter<byte>()));
        Assert.False(watch.WaitAsync(CancellationToken.None).IsCompleted);
    }

    [Fact]
    public void An_object_that_stops_or_starts_to_match_is_deleted_or_added_for_its_watcher()
    {
        Create("a");
        using var watch = _server.Watch($"{ConfigMaps}?watch=true&labelSelector=l%3Dv");
        _server.Patch($"{ConfigMaps}/a", """{"metadata":{"labels":{"l":"w"}}}""");
        var changed = _server.Get($"{ConfigMaps}/a").ResourceVersion;
        _server.Patch($"{ConfigMaps}/a", """{"data":{"k":"v"}}""");
        _server.Patch($"{ConfigMaps}/a", """{"metadata":{"labels":{"l":"v"}}}""");
        Assert.Equal(["ADDED a", "DELETED a", "ADDED a"], watch.Lines);
        var gone = watch.Events[1]["object"]!["metadata"]!;
        Assert.Equal("v", (string)gone["labels"]!["l"]!);
        Assert.Equal(changed, (string)gone["resourceVersion"]!);
    }

    [Fact]
    public void A_watch_by_field_sees_one_object()
    {
        using var watch = _server.Watch($"{ConfigMaps}?watch=true&fieldSelector=metadata.name%3Db");
        for (var i = 0; i < 20; i++) Create($"a{i}");
        Create("b");
        Assert.Equal(["ADDED b"], watch.Lines);
    }

    [Fact]
    public void A_watch_from_a_forgotten_revision_gets_one_error_and_ends()
    {
        var seen = Create("a").ResourceVersion;
        for (var i = 0; i < 9; i++) Create($"b{i}");
        using var watch = _server.Watch($"{ConfigMaps}?watch=true&resourceVersion={seen}");
        Assert.True(watch.Reading.IsCompleted);
        var error = Assert.Single(watch.Events);
        Assert.Equal("ERROR", (string)error["type"]!);
        Assert.Equal(410, (int)error["object"]!["code"]!);
        Assert.Equal("Expired", (string)error["object"]!["reason"]!);
    }

    [Fact]
    public void A_reader_that_sleeps_too_long_gets_an_error_and_not_a_gap()
    {
        var watch = Asleep($"{ConfigMaps}");
        for (var i = 0; i < 9; i++) Create($"b{i}");
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        Assert.True(watch.TryRead(output));
        Assert.Contains("\"code\":410", System.Text.Encoding.UTF8.GetString(output.WrittenSpan));
        Assert.True(watch.Ended);
    }

    [Fact]
    public void A_watch_ends_after_its_timeout()
    {
        using var watch = _server.Watch($"{ConfigMaps}?watch=true&timeoutSeconds=10");
        _server.Clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(watch.Reading.IsCompleted);
        _server.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(watch.Reading.IsCompletedSuccessfully);
    }

    /// <summary>System timers may fire some milliseconds before the clock says so.</summary>
    [Fact]
    public void A_timer_that_fires_early_ends_the_watch_and_makes_no_bookmarks()
    {
        var early = new EarlyTimers();
        using var server = new TestServer(o => o with { Time = early });
        using var watch = server.Watch($"{ConfigMaps}?watch=true&timeoutSeconds=1");
        early.Fire();
        Assert.True(watch.Reading.IsCompletedSuccessfully);
        Assert.Empty(watch.Lines);
    }

    private sealed class EarlyTimers : TimeProvider
    {
        private Action? _fire;

        public void Fire() => _fire!();

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire = () => callback(state);
            return new Timer();
        }

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }

    [Fact]
    public void An_idle_watch_gets_a_bookmark_each_minute_when_it_asked_for_them()
    {
        using var watch = _server.Watch($"{ConfigMaps}?watch=true&allowWatchBookmarks=true");
        using var other = _server.Watch($"{ConfigMaps}?watch=true");
        var latest = _server.Post("/api/v1/namespaces/default/secrets", """{"metadata":{"name":"s"}}""").ResourceVersion;
        _server.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["BOOKMARK", "BOOKMARK"], watch.Lines);
        Assert.Equal(latest, (string)watch.Events[0]["object"]!["metadata"]!["resourceVersion"]!);
        Assert.Equal("ConfigMap", (string)watch.Events[0]["object"]!["kind"]!);
        Assert.Empty(other.Lines);
    }

    [Fact]
    public void A_streamed_list_ends_its_initial_events_with_a_marked_bookmark()
    {
        Create("a");
        using var watch = _server.Watch($"{ConfigMaps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
        Create("b");
        Assert.Equal(["ADDED a", "BOOKMARK", "ADDED b"], watch.Lines);
        Assert.Equal("true", (string)watch.Events[1]["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]!);
    }

    [Fact]
    public void A_server_that_is_closed_ends_its_watches()
    {
        using var watch = _server.Watch($"{ConfigMaps}?watch=true");
        _server.Server.Dispose();
        Assert.True(watch.Reading.IsCompletedSuccessfully);
    }

    private WatchStream Asleep(string path) =>
        Assert.IsType<ApiResponse.Watch>(_server.Server.HandleAsync(new ApiRequest("GET", path) { Query = "watch=true" }, default).AsTask().Result).Events;
}
