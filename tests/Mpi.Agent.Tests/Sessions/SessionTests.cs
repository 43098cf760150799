using System.Globalization;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class SessionTests
{
    [Fact]
    public async Task Output_errors_and_exit_code_come_back_from_the_worker_that_was_called()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");
        job.StartWorker("pi-worker-1");

        var called = await job.CallAsync("pi-worker-1.pi.default.svc", "sh -c 'echo out $WORKER; echo err >&2; exit 7'");

        Assert.Equal(new Called(7, "out pi-worker-1\n", "err\n"), called);
    }

    [Fact]
    public async Task A_shell_is_used_where_the_line_needs_one()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");

        Assert.Equal("1\n2\n", (await job.CallAsync("pi-worker-0", "echo", "1;", "echo", "2")).Output);
    }

    [Fact]
    public async Task The_program_runs_in_a_session_of_its_own_with_default_signals()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");

        var called = await job.CallAsync("pi-worker-0", "cat /proc/self/stat /proc/self/status");

        var stat = called.Output[(called.Output.IndexOf(')', StringComparison.Ordinal) + 2)..].Split(' ');
        Assert.Equal(stat[2], stat[3]);
        Assert.StartsWith(stat[3] + " ", called.Output, StringComparison.Ordinal);
        // Signals 32 and 33 are libc's own, which it ignores in what it spawns and takes back at its start.
        Assert.Matches("SigIgn:\t0000000[0-9a-f]80000000|SigIgn:\t0000000000000000", called.Output);
        Assert.Contains("SigBlk:\t0000000000000000", called.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_input_and_output_than_any_buffer_holds_comes_through_unchanged()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");
        var text = string.Join('\n', Enumerable.Range(0, 300_000).Select(static i => i.ToString(CultureInfo.InvariantCulture)));

        await using var call = await job.BeginAsync("pi-worker-0", "tee /dev/stderr");
        var writing = Task.Run(async () =>
        {
            await using var writer = new StreamWriter(call.Input);
            await writer.WriteAsync(text);
        }, TestContext.Current.CancellationToken);
        var called = await call.EndAsync();
        await writing;

        Assert.Equal(text, called.Output);
        Assert.Equal(text, called.Error);
    }

    [Fact]
    public async Task A_signal_ends_the_program_and_the_exit_code_tells()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");

        var marker = Marker();
        await using var call = await job.BeginAsync("pi-worker-0", $"env {marker} sleep 1000");
        await job.WaitForAsync(() => Running(marker) == 1);
        call.Frames.Post(Messages.Signal(0, LibC.SigTerm));

        Assert.Equal(128 + LibC.SigTerm, (await call.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_program_that_does_not_exist_is_named()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");

        var fault = await Assert.ThrowsAsync<IOException>(() => job.CallAsync("pi-worker-0", "no-such-orted", "-mca"));
        Assert.StartsWith("no-such-orted: not found in PATH=", fault.Message, StringComparison.Ordinal);

        fault = await Assert.ThrowsAsync<IOException>(() => job.CallAsync("pi-worker-0", "/no/such/orted"));
        Assert.Contains("No such file", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_is_killed_takes_its_whole_process_tree_along()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");
        var marker = Marker();

        // A program, a child with a process group of its own as orted gives ranks, and one that does not heed SIGTERM.
        var call = await job.BeginAsync("pi-worker-0", $"sh -c 'set -m; {marker} sleep 1000 & (trap \"\" TERM; {marker} sleep 1000; {marker} sleep 1000) & echo started; wait'");
        await job.WaitForAsync(() => Running(marker) == 2);
        await call.DisposeAsync();

        await job.WaitForAsync(() => Running(marker) == 0);
    }

    [Fact]
    public async Task A_launcher_that_ends_takes_everything_along_and_the_next_one_is_served()
    {
        await using var job = new AgentJob();
        var first = job.StartLauncher();
        job.StartWorker("pi-worker-0");
        var marker = Marker();
        await using var call = await job.BeginAsync("pi-worker-0", $"env {marker} sleep 1000");
        await job.WaitForAsync(() => Running(marker) == 1);

        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<IOException>(call.EndAsync);
        await job.WaitForAsync(() => Running(marker) == 0);

        job.StartLauncher();
        Assert.Equal("again\n", (await job.CallAsync("pi-worker-0", "echo again")).Output);
    }

    [Fact]
    public async Task A_lost_worker_is_named_to_the_callers_and_a_call_waits_for_its_return()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        var worker = job.StartWorker("pi-worker-0");
        await using var call = await job.BeginAsync("pi-worker-0", "sleep 1000");
        await job.CallAsync("pi-worker-0", "true");
        Assert.Empty(job.Lost);

        await worker.CancelAsync();
        var fault = await Assert.ThrowsAnyAsync<IOException>(call.EndAsync);
        Assert.StartsWith("the worker is lost: ", fault.Message, StringComparison.Ordinal);
        await job.WaitForAsync(() => !job.Lost.IsEmpty);
        Assert.Equal("pi-worker-0", Assert.Single(job.Lost).Host);

        var waiting = job.CallAsync("pi-worker-0", "echo back");
        job.StartWorker("pi-worker-0");
        Assert.Equal("back\n", (await waiting).Output);
    }

    [Fact]
    public async Task A_worker_that_dials_again_replaces_its_old_connection()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0", ["PATH=/usr/bin:/bin", "WHICH=old"]);
        Assert.Equal("old\n", (await job.CallAsync("pi-worker-0", "sh -c 'echo $WHICH'")).Output);

        job.StartWorker("pi-worker-0", ["PATH=/usr/bin:/bin", "WHICH=new"]);
        await job.WaitUntilSaidAsync("ended: ");

        Assert.Equal("new\n", (await job.CallAsync("pi-worker-0", "sh -c 'echo $WHICH'")).Output);
    }

    [Fact]
    public async Task Many_calls_of_one_worker_at_once_do_not_mix()
    {
        await using var job = new AgentJob();
        job.StartLauncher();
        job.StartWorker("pi-worker-0");

        var called = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => job.CallAsync("pi-worker-0", $"sh -c 'echo {i}; exit {i}'")));

        Assert.Equal(Enumerable.Range(0, 20).Select(static i => new Called(i, $"{i}\n", "")), called);
    }

    private static string Marker() => $"KUBEMPI_TEST_{Guid.NewGuid():N}=1";

    /// <summary>Processes whose environment has the marker and that run sleep.</summary>
    private static int Running(string marker) => Directory.EnumerateDirectories("/proc").Count(directory =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, "comm")) == "sleep\n" && File.ReadAllText(Path.Combine(directory, "environ")).Split('\0').Contains(marker);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });
}
