using Kube.Testing;
using Kube.Types;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mpi.Operator.Tests;

public sealed class LeaderElectorTests
{
    private readonly VirtualClock _clock = new();
    private readonly ScriptedKube _kube = new();

    private LeaderElector Elector(string identity) => new(_kube, new LeaseOptions(), identity, _clock, new Random(1), NullLogger.Instance);

    private LeaseRecord Lease => LeaseRecord.Read(_kube.Find(Kinds.Lease, "mpi-operator", "mpi-operator")!);

    private async Task Run(TimeSpan time, params LeaderElector[] electors)
    {
        for (var end = _clock.GetUtcNow() + time; ; _clock.Advance(TimeSpan.FromMilliseconds(100)))
        {
            foreach (var elector in electors)
            {
                while (await elector.StepAsync(CancellationToken.None)) { }
            }

            if (_clock.GetUtcNow() >= end) return;
        }
    }

    [Fact]
    public async Task The_first_one_creates_the_lease_and_leads()
    {
        var a = Elector("a");
        Assert.False(a.MayWrite(out _));
        await Run(TimeSpan.Zero, a);
        Assert.Equal(LeaderState.Leading, a.State);
        Assert.True(a.MayWrite(out var left));
        Assert.Equal(TimeSpan.FromSeconds(15), left);
        Assert.Equal("a", Lease.Holder);
        Assert.Equal(TimeSpan.FromSeconds(15), Lease.Duration);
    }

    [Fact]
    public async Task A_leader_renews_with_one_request_each_three_seconds()
    {
        var a = Elector("a");
        await Run(TimeSpan.Zero, a);
        _kube.Forget();
        await Run(TimeSpan.FromSeconds(30), a);
        Assert.Equal(10, _kube.Calls.Length);
        Assert.All(_kube.Calls, static c => Assert.Equal("update", c.Verb));
        Assert.Equal(0, Lease.Transitions);
    }

    [Fact]
    public async Task A_candidate_waits_while_the_leader_renews_and_takes_over_when_it_stops()
    {
        var (a, b) = (Elector("a"), Elector("b"));
        await Run(TimeSpan.FromSeconds(60), a, b);
        Assert.Equal(LeaderState.Standby, b.State);
        await Run(TimeSpan.FromSeconds(14), b);
        Assert.Equal(LeaderState.Standby, b.State);
        await Run(TimeSpan.FromSeconds(8), b);
        Assert.Equal(LeaderState.Leading, b.State);
        Assert.Equal("b", Lease.Holder);
        Assert.Equal(1, Lease.Transitions);
    }

    [Fact]
    public async Task A_leader_that_cannot_renew_stops_writing_long_before_anyone_else_may_lead()
    {
        var a = Elector("a");
        await Run(TimeSpan.Zero, a);
        _kube.Before = static _ => new HttpRequestException("unreachable");
        await Run(TimeSpan.FromSeconds(7.5), a);
        Assert.True(a.MayWrite(out var left));
        Assert.InRange(left.TotalSeconds, 7.4, 7.501);
        await Run(TimeSpan.FromSeconds(0.5), a);
        Assert.False(a.MayWrite(out _));
        Assert.Equal(LeaderState.Lost, a.State);
        Assert.True(a.Ended.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task The_term_ends_by_the_clock_even_when_no_step_is_taken()
    {
        var a = Elector("a");
        await Run(TimeSpan.Zero, a);
        _clock.Advance(TimeSpan.FromSeconds(8));
        Assert.Equal(LeaderState.Leading, a.State);
        Assert.False(a.MayWrite(out _));
    }

    [Fact]
    public async Task Losing_is_final_even_when_the_server_comes_back()
    {
        var a = Elector("a");
        await Run(TimeSpan.Zero, a);
        _kube.Before = static _ => new HttpRequestException("unreachable");
        await Run(TimeSpan.FromSeconds(9), a);
        _kube.Before = static _ => null;
        await Run(TimeSpan.FromSeconds(60), a);
        Assert.Equal(LeaderState.Lost, a.State);
    }

    [Fact]
    public async Task A_short_outage_does_not_cost_the_lease()
    {
        var a = Elector("a");
        await Run(TimeSpan.Zero, a);
        _kube.Before = static _ => ScriptedKube.Failure(503, ApiReason.ServiceUnavailable, "away");
        await Run(TimeSpan.FromSeconds(5), a);
        _kube.Before = static _ => null;
        await Run(TimeSpan.FromSeconds(30), a);
        Assert.Equal(LeaderState.Leading, a.State);
    }

    [Fact]
    public async Task A_renewal_whose_answer_was_lost_is_read_back_not_taken_for_a_rival()
    {
        var a = Elector("a");
        await Run(TimeSpan.Zero, a);
        var lost = 0;
        _kube.After = c => c.Verb == "update" && lost++ == 0 ? new HttpRequestException("timed out") : null;
        await Run(TimeSpan.FromSeconds(30), a);
        Assert.Equal(LeaderState.Leading, a.State);
        Assert.Equal(0, Lease.Transitions);
    }

    [Fact]
    public async Task A_lease_taken_by_another_is_never_fought_over()
    {
        var a = Elector("a");
        await Run(TimeSpan.Zero, a);
        var lease = _kube.Find(Kinds.Lease, "mpi-operator", "mpi-operator")!;
        _kube.Put(Kinds.Lease, (Lease with { Holder = "b" }).Into(lease));
        await Run(TimeSpan.FromSeconds(7), a);
        Assert.Equal(LeaderState.Lost, a.State);
        Assert.Equal("b", Lease.Holder);
    }

    [Fact]
    public async Task A_released_lease_is_taken_at_the_next_try()
    {
        var (a, b) = (Elector("a"), Elector("b"));
        await Run(TimeSpan.FromSeconds(10), a, b);
        await a.ReleaseAsync(CancellationToken.None);
        Assert.Equal(LeaderState.Released, a.State);
        Assert.False(a.MayWrite(out _));
        Assert.Equal("", Lease.Holder);
        await Run(TimeSpan.FromSeconds(4), b);
        Assert.Equal(LeaderState.Leading, b.State);
    }

    [Fact]
    public async Task Of_two_that_see_a_free_lease_at_once_one_leads()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var kube = new ScriptedKube();
            var electors = Enumerable.Range(0, 3).Select(i => new LeaderElector(kube, new LeaseOptions(), $"e{i}", _clock, new Random(seed + i), NullLogger.Instance)).ToArray();
            await Run(TimeSpan.FromSeconds(20), electors);
            Assert.Single(electors, static e => e.MayWrite(out _));
        }
    }
}
