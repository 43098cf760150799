using System.Text;
using Kube.Testing;
using Kube.Types;

namespace Kube.Client.Tests;

public sealed class WatchTests
{
    private const string Added = """{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a","resourceVersion":"2"},"x":"äöü"}}""";

    private readonly PushStream _stream = new();

    private StreamWatch Open(int lineBytesMax = LineBuffer.LineBytesDefault) => new(_stream, _stream, new VirtualClock(), lineBytesMax);

    [Fact]
    public void An_event_is_there_as_soon_as_its_line_is_complete()
    {
        var watch = Open();
        Assert.False(watch.TryRead(out _));
        var waiting = watch.WaitAsync(CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        _stream.Push(Added);
        Assert.False(watch.TryRead(out _));
        _stream.Push("\n");
        Assert.True(watch.TryRead(out var change));
        Assert.Equal((WatchEventType.Added, "a", null), (change.Type, change.Object.Meta.Name, change.Malformed));
        Assert.False(watch.Ended);
        _stream.End();
        Assert.True(watch.Ended);
        Assert.Null(watch.Failure);
    }

    [Fact]
    public void Events_survive_being_cut_at_any_byte()
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 3).Select(i => Added.Replace("\"a\"", $"\"p{i}\"") + "\r\n\n")));
        for (var size = 1; size < 120; size++)
        {
            var stream = new PushStream();
            using var response = new MemoryStream();
            var watch = new StreamWatch(stream, response, new VirtualClock());
            var names = new List<string>();
            foreach (var chunk in bytes.Chunk(size))
            {
                stream.Push(chunk);
                while (watch.TryRead(out var change))
                {
                    Assert.Equal("äöü", change.Object.Root.Text("x"));
                    names.Add(change.Object.Meta.Name);
                }
            }

            Assert.Equal(["p0", "p1", "p2"], names);
        }
    }

    [Fact]
    public void The_rest_of_a_line_that_was_cut_off_is_dropped_with_the_stream()
    {
        var watch = Open();
        _stream.Push(Added + "\n" + Added[..20]);
        _stream.Break(new IOException("reset"));
        Assert.False(watch.Ended);
        Assert.True(watch.TryRead(out _));
        Assert.False(watch.TryRead(out _));
        Assert.True(watch.Ended);
        Assert.IsType<IOException>(watch.Failure);
    }

    [Fact]
    public void Every_kind_of_event_is_told_apart()
    {
        var watch = Open();
        _stream.Line("""{"object":{"metadata":{"resourceVersion":"5"}},"type":"BOOKMARK"}""");
        _stream.Line("""{"type":"MODIFIED","object":{"metadata":{"name":"m"}}}""");
        _stream.Line("""{"type":"DELETED","object":{"metadata":{"name":"d"}}}""");
        Assert.True(watch.TryRead(out var bookmark) && bookmark.Type == WatchEventType.Bookmark && bookmark.Object.Meta.ResourceVersion == "5");
        Assert.True(watch.TryRead(out var modified) && modified.Type == WatchEventType.Modified);
        Assert.True(watch.TryRead(out var deleted) && deleted.Type == WatchEventType.Deleted && deleted.Object.Meta.Name == "d");
    }

    [Fact]
    public void An_error_event_is_thrown_as_what_it_is()
    {
        var watch = Open();
        _stream.Line("""{"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old resource version: 1 (9)","reason":"Expired","code":410}}""");
        Assert.True(Assert.Throws<ApiException>(() => watch.TryRead(out _)).IsGone);
    }

    [Theory]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"bad","resourceVersion":"3"},"x":1,"x":2}}""", "bad")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"bad"},"spec":{"containers":[{,]}}}""", "bad")]
    [InlineData("""{"type":"FROB","object":{"metadata":{"name":"bad"}}}""", "bad")]
    [InlineData("""{"type":"ADDED","object":[]}""", "")]
    [InlineData("no json at all", "")]
    [InlineData("[]", "")]
    public void A_broken_event_is_set_aside_and_the_next_is_read(string line, string name)
    {
        var watch = Open();
        _stream.Line(line);
        _stream.Line(Added);
        Assert.True(watch.TryRead(out var broken));
        Assert.NotNull(broken.Malformed);
        Assert.Equal(name, broken.Object.Meta.Name);
        Assert.True(watch.TryRead(out var whole));
        Assert.Equal((null, "a"), (whole.Malformed, whole.Object.Meta.Name));
    }

    [Fact]
    public void An_event_beyond_the_limit_is_named_and_not_held()
    {
        var watch = Open(lineBytesMax: 100_000);
        _stream.Push("""{"type":"ADDED","object":{"metadata":{"name":"huge"},"x":" """);
        for (var i = 0; i < 100; i++)
        {
            _stream.Push(new string('x', 10_000));
            Assert.False(watch.TryRead(out _));
        }

        _stream.Push("\"}}\n" + Added + "\n");
        Assert.True(watch.TryRead(out var huge));
        Assert.Equal("huge", huge.Object.Meta.Name);
        Assert.Contains("longer than the limit", huge.Malformed);
        Assert.True(watch.TryRead(out var next));
        Assert.Equal("a", next.Object.Meta.Name);
    }

    [Fact]
    public void Reading_ahead_stops_until_the_reader_has_caught_up()
    {
        var watch = Open();
        var line = Encoding.UTF8.GetBytes("""{"type":"ADDED","object":{"metadata":{"name":"a"},"x":" """ + new string('x', 10_000) + "\"}}\n");
        for (var i = 0; i < 1000; i++) _stream.Push(line);
        Assert.InRange(_stream.Unread, 8_000_000, 10_000_000);
        var read = 0;
        while (watch.TryRead(out _)) read++;
        Assert.Equal(1000, read);
    }

    [Fact]
    public async Task Disposing_ends_the_stream_and_a_wait()
    {
        var watch = Open();
        var waiting = watch.WaitAsync(CancellationToken.None).AsTask();
        await watch.DisposeAsync();
        await waiting;
        Assert.True(_stream.Disposed);
        Assert.True(watch.Ended);
        Assert.Null(watch.Failure);
    }
}
