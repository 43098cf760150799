using System.Collections.Immutable;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>Pods that are all alike: one leads, the others serve until its command has ended.</summary>
public sealed class MemberTests
{
    private static readonly ImmutableArray<string> OwnEnvironment = [$"PATH={Environment.GetEnvironmentVariable("PATH")}"];

    [Fact]
    public async Task The_commands_words_arrive_as_they_were_written_and_its_exit_code_is_the_pods()
    {
        await using var job = new AgentJob();

        var led = await LeadAsync(job, [], "sh", "-c", "printf '[%s]' \"$@\"; exit 4", "sh", "a b", "'c'", "", "$HOME; d");

        Assert.Equal(new Called(4, "[a b]['c'][][$HOME; d]", ""), led);
    }

    [Fact]
    public async Task Workers_end_when_the_command_has_ended_also_those_that_were_never_called()
    {
        await using var job = new AgentJob();
        var called = job.BeginWorker("ring-1");
        var idle = job.BeginWorker("ring-2");

        // Ends only after a call over the leader's own connections, whose output is its own.
        var leading = LeadAsync(job, ["ring-1", "ring-2"], "sh", "-c", $"while ! [ -e {job.Files.Directory}/called ]; do sleep 0.05; done; echo done");
        Assert.Equal("here\n", (await job.CallAsync("ring-1", "echo here")).Output);
        Assert.False(called.IsCompleted || idle.IsCompleted);
        await File.WriteAllTextAsync(Path.Combine(job.Files.Directory, "called"), "", TestContext.Current.CancellationToken);

        Assert.Equal(new Called(0, "done\n", ""), await leading);
        await Task.WhenAll(called, idle).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Contains("the job's command has ended", job.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_the_command_left_behind_loses_no_worker()
    {
        await using var job = new AgentJob();
        var worker = job.BeginWorker("ring-1");
        var leading = LeadAsync(job, ["ring-1"], "sh", "-c", $"while ! [ -e {job.Files.Directory}/called ]; do sleep 0.05; done; exit 3");
        await using var left = await job.BeginAsync("ring-1", $"touch {job.Files.Directory}/called; sleep 1000");

        Assert.Equal(3, (await leading).ExitCode);
        await worker.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Empty(job.Lost);
    }

    [Fact]
    public async Task A_worker_that_dials_after_a_short_command_has_ended_still_hears_of_it()
    {
        await using var job = new AgentJob();
        var leading = LeadAsync(job, ["ring-1"], "true");
        await job.WaitForAsync(() => File.Exists(job.Files.Socket));

        var late = job.BeginWorker("ring-1");

        Assert.Equal(0, (await leading).ExitCode);
        await late.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_named_and_ends_with_127()
    {
        await using var job = new AgentJob();

        var led = await LeadAsync(job, [], "no-such-mpirun", "-n", "2");

        Assert.Equal(127, led.ExitCode);
        Assert.StartsWith("kubempi-agent: no-such-mpirun: not found in PATH=", led.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ring-0", "ring-0.ring.hpc.svc", true)]
    [InlineData("ring-1", "ring-0.ring.hpc.svc", false)]
    [InlineData("ring-10", "ring-1.ring.hpc.svc", false)]
    [InlineData("pi-launcher", null, true)]
    public void The_pod_that_has_the_launchers_name_leads(string name, string? launcher, bool leads)
    {
        using var environment = new TestEnvironment();
        environment.Variables[AgentContract.NameVariable] = name;
        if (launcher is not null) environment.Variables[AgentContract.LauncherVariable] = launcher;

        Assert.Equal(leads, MemberRole.Leads(environment.Agent));
    }

    [Fact]
    public async Task The_gate_of_a_pod_that_does_not_lead_waits_for_nothing()
    {
        using var environment = new TestEnvironment();
        environment.Variables[AgentContract.NameVariable] = "ring-1";
        environment.Variables[AgentContract.LauncherVariable] = "ring-0.ring.hpc.svc";

        // There is no hostfile: it is not even read.
        Assert.Equal(0, await AgentProgram.RunAsync(["gate", "--transport", "agent", "--hostfile", environment.File("none")], environment.Agent, TestContext.Current.CancellationToken));
    }

    private static async Task<Called> LeadAsync(AgentJob job, ImmutableArray<string> workers, params ImmutableArray<string> command)
    {
        using var listener = job.Listen();
        using var launcher = new LauncherRole(listener, job.Files, job.Lost.Enqueue, TimeProvider.System);
        using var children = new Children(ownsProcess: false);
        using var nothing = File.OpenHandle("/dev/null");
        var (output, error) = (Path.Combine(job.Files.Directory, "out"), Path.Combine(job.Files.Directory, "err"));
        var said = new StringWriter();
        int exitCode;
        using (var to = File.OpenHandle(output, FileMode.Create, FileAccess.Write))
        using (var errors = File.OpenHandle(error, FileMode.Create, FileAccess.Write))
        {
            exitCode = await MemberRole.LeadAsync(command, OwnEnvironment, launcher, workers, children, new StandardStreams(nothing, to, errors), said);
        }

        return new Called(exitCode, await File.ReadAllTextAsync(output), await File.ReadAllTextAsync(error) + said);
    }
}
