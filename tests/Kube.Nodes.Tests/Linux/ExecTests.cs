using System.Text;
using Kube.Nodes.Linux;

namespace Kube.Nodes.Tests;

/// <summary>Commands in containers that run, by pipes and by terminals.</summary>
[Trait("Category", "sandbox")]
public sealed class ExecTests(ExecTests.Shared shared) : IClassFixture<ExecTests.Shared>
{
    private readonly SandboxFixture _sandbox = shared.Sandbox;

    public sealed class Shared : IAsyncLifetime
    {
        internal SandboxFixture Sandbox { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Sandbox = await SandboxFixture.StartAsync();

        public ValueTask DisposeAsync() => Sandbox.DisposeAsync();
    }

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_command_runs_as_the_containers_user_in_its_folder_with_its_environment()
    {
        using var container = await IdleAsync("as-user", uid: 1000, change: static s => s with { WorkingDirectory = "/tmp/work", Environment = [.. s.Environment, new("a.b", "it's")] });
        var (code, output, error) = await RunAsync(container, ["sh", "-c", "id -u; pwd; tr '\\0' '\\n' </proc/$$/environ | grep a.b; hostname; echo wrong >&2; exit 7"]);
        Assert.Equal("1000\n/tmp/work\na.b=it's\nas-user\n", output);
        Assert.Equal("wrong\n", error);
        Assert.Equal(7, code);
    }

    [Fact]
    public async Task Every_byte_comes_back_and_the_end_of_the_input_is_an_end()
    {
        using var container = await IdleAsync("bytes");
        var bytes = new byte[3 * 1024 * 1024 + 7];
        new Random(11).NextBytes(bytes);
        await using var session = await StartAsync(container, ["cat"]);
        var writing = WriteAsync();
        using var echo = new MemoryStream();
        await session.Output.CopyToAsync(echo, Cancelled).WaitAsync(Limit, Cancelled);
        await writing.WaitAsync(Limit, Cancelled);
        Assert.Equal(bytes, echo.ToArray());
        Assert.Equal(0, await session.Ended.WaitAsync(Limit, Cancelled));

        async Task WriteAsync()
        {
            await session.Input.WriteAsync(bytes, Cancelled);
            await session.Input.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_signal_is_128_and_its_number()
    {
        using var container = await IdleAsync("signal");
        Assert.Equal((137, "", ""), await RunAsync(container, ["sh", "-c", "kill -9 $$"]));
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_refused_in_the_runtimes_words()
    {
        using var container = await IdleAsync("refused");
        var refused = await Assert.ThrowsAsync<ExecRefusedException>(() => StartAsync(container, ["no-such"]));
        Assert.Equal("exec: \"no-such\": executable file not found in $PATH", refused.Message);
        refused = await Assert.ThrowsAsync<ExecRefusedException>(() => StartAsync(container, ["/etc"], terminal: true));
        Assert.Equal("exec: \"/etc\": is a directory", refused.Message);
    }

    [Fact]
    public async Task A_container_that_has_ended_cannot_be_entered()
    {
        using var container = await IdleAsync("ended");
        container.Kill();
        await container.Ended.WaitAsync(Limit, Cancelled);
        await Assert.ThrowsAsync<ExecRefusedException>(() => StartAsync(container, ["true"]));
        await Assert.ThrowsAsync<ExecRefusedException>(() => StartAsync(container, ["true"], terminal: true));
    }

    [Fact]
    public async Task What_a_command_leaves_running_does_not_hold_its_end_up()
    {
        using var container = await IdleAsync("left");
        var (code, output, _) = await RunAsync(container, ["sh", "-c", $"{Sleep(1001)} & echo begun"]);
        Assert.Equal((0, "begun\n"), (code, output));
        Assert.True(Runs(Sleep(1001)));
        container.Kill();
        await container.Ended.WaitAsync(Limit, Cancelled);
        await NodeFixture.UntilAsync(static () => !Runs(Sleep(1001)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_session_that_is_left_alone_takes_its_processes_with_it_even_those_that_ignore_it(bool terminal)
    {
        using var container = await IdleAsync($"vanish-{terminal}".ToLowerInvariant());
        var mark = Sleep(terminal ? 1003 : 1002);
        await using (await StartAsync(container, ["sh", "-c", $"trap '' HUP; {mark}; true"], terminal))
        {
            await NodeFixture.UntilAsync(() => Runs(mark));
        }

        // Killed; the kernel takes a moment to end a process.
        await NodeFixture.UntilAsync(() => !Runs(mark));
        Assert.False(container.Ended.IsCompleted);
    }

    [Fact]
    public async Task A_terminal_is_a_terminal_with_a_name_a_size_and_job_control()
    {
        using var container = await IdleAsync("terminal", uid: 1000);
        await using var session = await StartAsync(container, ["bash", "--norc", "--noprofile", "-i"], terminal: true);
        session.Resize(new TerminalSize(101, 33));
        await SayAsync(session, "PS1=; tty; stty size; echo $TERM; stat -c %u $(tty)\n");
        await ReadUntilAsync(session, "/dev/pts/0\r\n33 101\r\nxterm\r\n1000\r\n");

        // Ctrl-Z stops what is in the foreground, and the shell is there again; Ctrl-C ends it.
        await SayAsync(session, $"{Sleep(1004)}\n");
        await NodeFixture.UntilAsync(static () => Runs(Sleep(1004)));
        await SayAsync(session, "\u001a");
        await ReadUntilAsync(session, "Stopped");
        await SayAsync(session, "fg\n");
        await ReadUntilAsync(session, $"{Sleep(1004)}\r\n");
        // The shell gives the terminal away before it lets the command go on; a Ctrl-C before that is the shell's own.
        await NodeFixture.UntilAsync(static () => !IsStopped(Sleep(1004)));
        await SayAsync(session, "\u0003");
        await SayAsync(session, "echo left with $?\n");
        await ReadUntilAsync(session, "left with 130");

        await session.Input.DisposeAsync();
        await session.Output.CopyToAsync(Stream.Null, Cancelled).WaitAsync(Limit, Cancelled);
        Assert.Equal(0, await session.Ended.WaitAsync(Limit, Cancelled));
    }

    /// <summary>A shell changes the terminal's mode for each of its prompts, and what came just before is then no end any more.</summary>
    [Fact]
    public async Task The_end_of_a_terminals_input_is_an_end_for_a_shell_that_looks_later_too()
    {
        using var container = await IdleAsync("terminal-end");
        await using var session = await StartAsync(container, ["sh", "-c", "sleep 1; exec bash --norc --noprofile -i"], terminal: true);
        await session.Input.DisposeAsync();
        await session.Output.CopyToAsync(Stream.Null, Cancelled).WaitAsync(Limit, Cancelled);
        Assert.Equal(0, await session.Ended.WaitAsync(Limit, Cancelled));
    }

    private async Task<RunningContainer> IdleAsync(string name, uint uid = 0, Func<ContainerSpec, ContainerSpec>? change = null)
    {
        var container = _sandbox.Start(await _sandbox.PodAsync(name), "exec sleep 1000000", uid, change: change);
        Assert.IsType<ContainerStart.Running>(await container.Started.WaitAsync(Limit, Cancelled));
        // From here on it is the command that signals go to, and no orphan of another one.
        Assert.True(container.HasCommand);
        return container;
    }

    private static async Task<ContainerSession> StartAsync(RunningContainer container, IReadOnlyList<string> command, bool terminal = false) =>
        await ExecSession.StartAsync(container, command, terminal, TimeProvider.System, Cancelled).WaitAsync(Limit, Cancelled);

    private static async Task<(int Code, string Output, string Error)> RunAsync(RunningContainer container, IReadOnlyList<string> command)
    {
        await using var session = await StartAsync(container, command);
        await session.Input.DisposeAsync();
        using var output = new StreamReader(session.Output);
        using var error = new StreamReader(session.Error);
        var (said, complained) = (output.ReadToEndAsync(Cancelled), error.ReadToEndAsync(Cancelled));
        return (await session.Ended.WaitAsync(Limit, Cancelled), await said.WaitAsync(Limit, Cancelled), await complained.WaitAsync(Limit, Cancelled));
    }

    private static ValueTask SayAsync(ContainerSession session, string text) => session.Input.WriteAsync(Encoding.UTF8.GetBytes(text), Cancelled);

    private static async Task ReadUntilAsync(ContainerSession session, string wanted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var seen = new StringBuilder();
        var buffer = new byte[1024];
        try
        {
            while (!seen.ToString().Contains(wanted, StringComparison.Ordinal))
            {
                var read = await session.Output.ReadAsync(buffer, limit.Token);
                Assert.True(read > 0, $"the terminal ended before \"{wanted}\": {seen}");
                seen.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        catch (OperationCanceledException) when (!Cancelled.IsCancellationRequested)
        {
            Assert.Fail($"no \"{wanted}\" in: {seen}");
        }
    }

    /// <summary>A command that can be found among all processes of the machine, where a second copy of these tests may run (OrdinaryUserTests).</summary>
    private static string Sleep(int number) => $"sleep {number}{Environment.ProcessId}";

    private static bool IsStopped(string command) => Running(command).Any(static pid => ProcessTree.Read($"/proc/{pid}/status")?.Contains("State:\tT", StringComparison.Ordinal) == true);

    private static bool Runs(string command) => Running(command).Any();

    private static IEnumerable<int> Running(string command)
    {
        var words = command.Replace(' ', '\0') + '\0';
        return ProcessTree.All().Where(pid => ProcessTree.Read($"/proc/{pid}/cmdline") == words);
    }
}
