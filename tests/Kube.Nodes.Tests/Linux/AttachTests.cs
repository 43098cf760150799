using System.Text;
using Kube.Nodes.Linux;

namespace Kube.Nodes.Tests;

/// <summary>A container's own streams: <c>stdin</c>, <c>stdinOnce</c>, <c>tty</c>, and those who join them.</summary>
[Trait("Category", "sandbox")]
public sealed class AttachTests(ExecTests.Shared shared) : IClassFixture<ExecTests.Shared>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly SandboxFixture _sandbox = shared.Sandbox;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Those_who_attach_see_what_is_written_from_then_on_and_so_does_the_log()
    {
        using var container = await StartAsync("joined", "echo before; read -r x; echo out $x; echo err $x >&2", static s => s with { Input = true, InputOnce = true });
        await NodeFixture.UntilAsync(() => SandboxFixture.Text(container.Log).Contains("before", StringComparison.Ordinal));
        await using var writer = new AttachSession(container, input: true);
        await using var watcher = new AttachSession(container, input: false);
        await writer.Input.WriteAsync("it\n"u8.ToArray(), Cancelled);
        Assert.Equal(("out it\n", "err it\n"), (await AllAsync(writer.Output), await AllAsync(writer.Error)));
        Assert.Equal(("out it\n", "err it\n"), (await AllAsync(watcher.Output), await AllAsync(watcher.Error)));
        Assert.Equal(0, await writer.Ended.WaitAsync(Limit, Cancelled));
        // Two pipes have no order between them.
        Assert.Equal(["before", "err it", "out it"], SandboxFixture.Text(container.Log).TrimEnd().Split('\n').Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_first_who_goes_ends_the_input_where_the_manifest_says_once()
    {
        using var container = await StartAsync("once", "cat; echo ended", static s => s with { Input = true, InputOnce = true });
        await using (var first = new AttachSession(container, input: true)) await first.Input.WriteAsync("1\n"u8.ToArray(), Cancelled);
        Assert.Equal(0, await container.Ended.WaitAsync(Limit, Cancelled));
        Assert.Equal("1\nended\n", SandboxFixture.Text(container.Log));
    }

    [Fact]
    public async Task Otherwise_the_next_one_goes_on()
    {
        using var container = await StartAsync("again", "read -r a; read -r b; echo $a $b", static s => s with { Input = true });
        foreach (var word in new[] { "one\n", "two\n" })
        {
            await using var session = new AttachSession(container, input: true);
            await session.Input.WriteAsync(Encoding.UTF8.GetBytes(word), Cancelled);
        }

        Assert.Equal(0, await container.Ended.WaitAsync(Limit, Cancelled));
        Assert.Equal("one two\n", SandboxFixture.Text(container.Log));
    }

    [Fact]
    public async Task Without_stdin_the_input_is_empty_and_what_is_sent_is_let_go()
    {
        using var container = await StartAsync("none", "cat; sleep 0.2");
        await using var session = new AttachSession(container, input: true);
        await session.Input.WriteAsync("lost"u8.ToArray(), Cancelled);
        Assert.Equal(0, await container.Ended.WaitAsync(Limit, Cancelled));
        Assert.Equal("", SandboxFixture.Text(container.Log));
    }

    [Fact]
    public async Task A_container_with_a_terminal_has_one_for_whoever_attaches()
    {
        using var container = await StartAsync("tty", "tty; read -r x; stty size; echo $TERM; exit 5", static s => s with { Input = true, Terminal = true }, uid: 1000);
        await using var session = new AttachSession(container, input: true);
        session.Resize(new TerminalSize(90, 30));
        await session.Input.WriteAsync("\n"u8.ToArray(), Cancelled);
        Assert.EndsWith("30 90\r\nxterm\r\n", await AllAsync(session.Output), StringComparison.Ordinal);
        Assert.Equal(5, await container.Ended.WaitAsync(Limit, Cancelled));
        Assert.Contains("/dev/pts/0\r\n", SandboxFixture.Text(container.Log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_terminal_is_no_hindrance_to_a_command_that_cannot_be_started_or_is_killed()
    {
        using var refused = _sandbox.Start(await _sandbox.PodAsync("tty-refused"), "", change: static s => s with { Terminal = true, Command = ["no-such"] });
        Assert.IsType<ContainerStart.Refused>(await refused.Started.WaitAsync(Limit, Cancelled));
        await refused.Ended.WaitAsync(Limit, Cancelled);
        using var killed = await StartAsync("tty-killed", "sleep 1005", static s => s with { Terminal = true });
        killed.Kill();
        Assert.Equal(137, await killed.Ended.WaitAsync(Limit, Cancelled));
    }

    [Fact]
    public async Task A_reader_that_falls_asleep_loses_nothing_and_does_not_keep_the_container_from_its_end()
    {
        const int bytes = 1_000_000;
        using var container = await StartAsync("asleep", $"read -r go; head -c {bytes} /dev/zero; sleep 1006", static s => s with { Input = true });
        await using var asleep = new AttachSession(container, input: true);
        await asleep.Input.WriteAsync("\n"u8.ToArray(), Cancelled);
        await NodeFixture.UntilAsync(() => container.Log.From(0).Count > 0);
        Assert.True(container.Log.From(0).Sum(static e => e.Text.Length) < bytes);
        var first = new byte[1000];
        await asleep.Output.ReadExactlyAsync(first, Cancelled);

        container.Kill();
        Assert.Equal(137, await container.Ended.WaitAsync(Limit, Cancelled));
        await using var other = new AttachSession(container, input: false);
        Assert.Equal("", await AllAsync(other.Output));
        Assert.Equal(container.Log.From(0).Sum(static e => e.Text.Length), first.Length + (await AllAsync(asleep.Output)).Length);
    }

    private async Task<RunningContainer> StartAsync(string name, string script, Func<ContainerSpec, ContainerSpec>? change = null, uint uid = 0)
    {
        var container = _sandbox.Start(await _sandbox.PodAsync(name), script, uid, change: change);
        Assert.IsType<ContainerStart.Running>(await container.Started.WaitAsync(Limit, Cancelled));
        return container;
    }

    private static async Task<string> AllAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        return await reader.ReadToEndAsync(Cancelled).WaitAsync(Limit, Cancelled);
    }
}
