using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class GateOverAgentTests
{
    [Fact]
    public async Task It_opens_when_every_worker_has_dialled_and_answered()
    {
        await using var job = new AgentJob();
        using var listener = job.Listen(AgentRole.Gate);
        var gate = new AgentGate(listener, ["pi-worker-0.pi.default.svc", "pi-worker-1.pi.default.svc"], new GatePace(), job.Agent);
        job.StartWorker("pi-worker-0");
        var waiting = gate.WaitAsync(static () => false, TestContext.Current.CancellationToken);
        await job.WaitUntilSaidAsync("1 of 2 workers reachable");

        job.StartWorker("pi-worker-1");
        var report = await waiting;

        Assert.Equal((GateOpening.Proven, 2, 2), (report.Opened, report.Proven, report.Total));
        Assert.Equal(["pi-worker-0", "pi-worker-1"], report.Workers.Select(static w => w.Host));
    }

    [Fact]
    public async Task Its_workers_go_over_to_the_launchers_process()
    {
        await using var job = new AgentJob();
        job.StartWorker("pi-worker-0");
        using (var listener = job.Listen(AgentRole.Gate))
        {
            await new AgentGate(listener, ["pi-worker-0"], new GatePace(), job.Agent).WaitAsync(static () => false, TestContext.Current.CancellationToken);
        }

        await job.WaitUntilSaidAsync("all workers are proven");
        job.StartLauncher();
        Assert.Equal("here\n", (await job.CallAsync("pi-worker-0", "echo here")).Output);
    }

    [Fact]
    public async Task A_worker_that_restarts_while_it_waits_is_proven_anew()
    {
        await using var job = new AgentJob();
        using var listener = job.Listen(AgentRole.Gate);
        var gate = new AgentGate(listener, ["pi-worker-0", "pi-worker-1"], new GatePace(), job.Agent);
        var first = job.StartWorker("pi-worker-0");
        var waiting = gate.WaitAsync(static () => false, TestContext.Current.CancellationToken);
        await job.WaitUntilSaidAsync("1 of 2 workers reachable");

        await first.CancelAsync();
        await job.WaitUntilSaidAsync("pi-worker-0 was reachable, and its connection ended");
        job.StartWorker("pi-worker-1");
        await job.WaitUntilSaidAsync("1 of 2 workers reachable; waiting for pi-worker-0");
        Assert.False(waiting.IsCompleted);

        job.StartWorker("pi-worker-0");
        Assert.Equal(GateOpening.Proven, (await waiting).Opened);
    }

    [Fact]
    public async Task Without_workers_it_opens_by_the_operators_word_and_names_those_that_have_not_dialled()
    {
        await using var job = new AgentJob();
        using var listener = job.Listen(AgentRole.Gate);
        var gate = new AgentGate(listener, ["pi-worker-0"], new GatePace { Timeout = TimeSpan.FromMilliseconds(10) }, job.Agent);

        var report = await gate.WaitAsync(static () => true, TestContext.Current.CancellationToken);

        Assert.Equal(GateOpening.Timeout, report.Opened);
        Assert.Equal("pi-worker-0", Assert.Single(report.Missing).Host);
    }
}
