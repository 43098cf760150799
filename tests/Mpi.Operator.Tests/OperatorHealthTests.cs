using Kube.Client;
using Kube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mpi.Operator.Tests;

public sealed class OperatorHealthTests
{
    private readonly VirtualClock _clock = new();
    private readonly ScriptedKube _kube = new();
    private readonly LeaderElector _elector;
    private readonly List<string> _obstacles = ["pods are not listed yet"];
    private readonly OperatorHealth _health;

    public OperatorHealthTests()
    {
        _elector = new LeaderElector(_kube, new LeaseOptions(), "a", _clock, new Random(1), NullLogger.Instance);
        _health = new OperatorHealth(_elector, () => _obstacles, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public void A_standby_is_alive_and_ready_when_it_has_seen_the_cluster()
    {
        Assert.True(_health.Live().IsHealthy);
        Assert.Equal("pods are not listed yet\n", _health.Ready().ToString());
        Assert.Equal(503, _health.Ready().StatusCode);
        _obstacles.Clear();
        Assert.Equal("ok\n", _health.Ready().ToString());
    }

    [Fact]
    public async Task A_leader_that_hangs_is_dead_twenty_seconds_after_its_lease()
    {
        await _elector.StepAsync(CancellationToken.None);
        _clock.Advance(TimeSpan.FromSeconds(34));
        Assert.True(_health.Live().IsHealthy);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(_health.Live().IsHealthy);
    }

    [Fact]
    public async Task A_process_that_lost_its_lease_is_not_alive()
    {
        await _elector.StepAsync(CancellationToken.None);
        _clock.Advance(TimeSpan.FromSeconds(9));
        await _elector.StepAsync(CancellationToken.None);
        Assert.False(_health.Live().IsHealthy);
    }

    [Fact]
    public async Task A_loop_for_leaders_steps_only_while_this_process_may_write()
    {
        var inner = new CountingLoop();
        ILoop loop = new LeaderOnlyLoop(inner, _elector);
        Assert.False(await loop.StepAsync(CancellationToken.None));
        var waiting = loop.WaitAsync(CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);
        await _elector.StepAsync(CancellationToken.None);
        await waiting;
        Assert.True(await loop.StepAsync(CancellationToken.None));
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(await loop.StepAsync(CancellationToken.None));
        Assert.Equal(1, inner.Steps);
    }

    private sealed class CountingLoop : ITimedLoop
    {
        public string Name => "counting";
        public int Steps { get; private set; }
        public DateTimeOffset? NextDue => null;

        public ValueTask<bool> StepAsync(CancellationToken cancellation)
        {
            Steps++;
            return new(true);
        }

        public ValueTask WaitAsync(CancellationToken cancellation) => default;
    }
}
