using System.Globalization;
using System.Text;
using Kube.Nodes.Linux;
using Kube.Testing;

namespace Kube.Nodes.Tests;

public sealed class ContainerLogTests
{
    private const int Newest = 8 * 1024;
    private const int All = 40 * 1024;

    /// <summary>Log lines and their marks are counted together; a block more than asked for may be there.</summary>
    private const int Slack = 2 * 1024;

    private int _written;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void The_oldest_lines_go_and_never_more_of_them_than_must()
    {
        var log = Bounded();
        for (var i = 0; i < 100; i++)
        {
            Write(log, 100);
            var kept = log.From(0);
            Assert.Equal(_written - 1, kept[^1].Number);
            Assert.Equal(Enumerable.Range(_written - kept.Count, kept.Count).Select(Line), kept.Select(static e => Text(e)));
            Assert.InRange(kept.Sum(static e => e.Text.Length + LogBlock.MarkBytes), Math.Min(Newest, _written * (Line(0).Length + LogBlock.MarkBytes)), Newest + Slack);
        }
    }

    [Fact]
    public async Task One_who_follows_loses_and_repeats_no_line_when_others_see_only_the_newest()
    {
        var log = Bounded();
        await using var follower = new LogStream(log, new ContainerLogOptions(Follow: true));
        Write(log, 1000);
        Assert.Equal(500, log.From(500)[0].Number);
        await using (var other = new LogStream(log, new ContainerLogOptions(TailLines: 2))) Assert.Equal(Line(998) + Line(999), await AllAsync(other));
        for (var round = 0; round < 20; round++)
        {
            await ReadSomeAsync(follower);
            Write(log, 50);
        }

        Close(log);
        var rest = await AllAsync(follower);
        Assert.Equal(string.Concat(Enumerable.Range(0, _written).Select(Line)), _seen + rest);
    }

    [Fact]
    public async Task One_who_never_reads_holds_back_no_more_than_the_bound_and_then_goes_on_in_order()
    {
        var log = Bounded();
        await using var asleep = new LogStream(log, new ContainerLogOptions(Follow: true));
        Write(log, 20_000);
        var kept = log.From(0);
        Assert.InRange(kept.Sum(static e => e.Text.Length + LogBlock.MarkBytes), All - Slack, All + Slack);
        Close(log);
        Assert.Equal(string.Concat(kept.Select(static e => Text(e))), await AllAsync(asleep));
    }

    [Fact]
    public async Task What_was_kept_for_one_who_follows_goes_when_he_does()
    {
        var log = Bounded();
        await using (new LogStream(log, new ContainerLogOptions(Follow: true))) Write(log, 1000);
        Assert.InRange(log.From(0).Sum(static e => e.Text.Length + LogBlock.MarkBytes), Newest, Newest + Slack);
    }

    [Fact]
    public async Task Without_follow_a_log_ends_where_it_was_when_asked_for()
    {
        var log = Bounded();
        Write(log, 10);
        await using var reader = new LogStream(log, new ContainerLogOptions());
        Write(log, 500);
        Assert.Equal(string.Concat(Enumerable.Range(0, 10).Select(Line)), await AllAsync(reader));
    }

    [Fact]
    public async Task Tail_since_and_limit_are_those_of_what_is_kept()
    {
        var clock = new VirtualClock();
        var log = new ContainerLog(clock, LogBounds.Kubelet);
        Write(log, 3);
        clock.Advance(TimeSpan.FromMinutes(1));
        var later = clock.GetUtcNow();
        Write(log, 3);
        Assert.Equal(Line(3) + Line(4) + Line(5), await ReadAsync(new ContainerLogOptions(Since: later)));
        Assert.Equal(Line(5), await ReadAsync(new ContainerLogOptions(Since: later, TailLines: 1)));
        Assert.Equal(Line(2) + Line(3) + Line(4) + Line(5), await ReadAsync(new ContainerLogOptions(TailLines: 4)));
        Assert.Equal(Line(0)[..5], await ReadAsync(new ContainerLogOptions(LimitBytes: 5)));
        Assert.Equal("", await ReadAsync(new ContainerLogOptions(TailLines: 0)));

        async Task<string> ReadAsync(ContainerLogOptions options)
        {
            await using var stream = new LogStream(log, options);
            return await AllAsync(stream);
        }
    }

    [Fact]
    public void Pieces_become_lines_and_the_last_line_needs_no_newline()
    {
        var log = Bounded();
        log.Append(false, "a"u8);
        log.Append(true, "x\n"u8);
        log.Append(false, "b\nc"u8);
        Assert.Equal(["x\n", "ab\n"], log.From(0).Select(static e => Text(e)));
        Close(log);
        Assert.Equal(["x\n", "ab\n", "c"], log.From(0).Select(static e => Text(e)));
        Assert.True(log.Ended);
    }

    [Fact]
    public void A_line_without_end_is_split_and_counts_as_one_line()
    {
        var log = new ContainerLog(TimeProvider.System, LogBounds.Kubelet);
        log.Append(false, "first\n"u8);
        log.Append(false, new byte[40_000]);
        log.Append(false, "\n"u8);
        Assert.Equal([6, 16384, 16384, 7233], log.From(0).Select(static e => e.Text.Length));
        Assert.Equal(1, log.Tail(1));
        Assert.Equal(0, log.Tail(2));
    }

    private string _seen = "";

    private static ContainerLog Bounded() => new(TimeProvider.System, new LogBounds(Newest, All));

    private static string Line(int number) => string.Create(CultureInfo.InvariantCulture, $"line {number:000000}\n");

    private static string Text(LogEntry entry) => Encoding.UTF8.GetString(entry.Text.Span);

    private void Write(ContainerLog log, int lines)
    {
        for (var i = 0; i < lines; i++) log.Append(false, Encoding.UTF8.GetBytes(Line(_written++)));
    }

    private static void Close(ContainerLog log)
    {
        log.Close(isError: false);
        log.Close(isError: true);
    }

    private async Task ReadSomeAsync(Stream stream)
    {
        var buffer = new byte[700];
        _seen += Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer, Cancelled));
    }

    private static async Task<string> AllAsync(Stream stream)
    {
        using var text = new StreamReader(stream, leaveOpen: true);
        return await text.ReadToEndAsync(Cancelled);
    }
}
