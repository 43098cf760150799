using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>
/// One job of two workers on virtual nodes under virtual time, and everything that may go wrong around one write or one
/// event, tried at every write and every event. After each: the same end state, and then no more writes.
/// </summary>
public sealed class SmokeTests
{
    internal const int Seed = 20261;

    private static readonly TimeSpan Late = TimeSpan.FromSeconds(40);

    private static Task<SmokeRun.Result> Play(Faults faults, int seed = Seed, bool election = false, bool overAgent = false) =>
        SmokeRun.PlayAsync(new SimulationOptions(seed) { Faults = faults, LeaderElection = election }, overAgent: overAgent);

    [Fact]
    public async Task A_job_runs_to_its_end_with_no_more_writes_than_promised_and_no_reads()
    {
        // Long enough for every cache to be listed anew: not even that makes it write.
        var run = await SmokeRun.PlayAsync(new SimulationOptions(Seed), rest: TimeSpan.FromMinutes(70));
        Assert.Contains(".status.state = \"Succeeded\"", run.State);
        Assert.True(run.Writes <= 2 + 12, $"{run.Writes} writes:\n{string.Join("\n", run.WritesSeen)}");
        Assert.Equal(0, run.Gets);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_run_to_the_last_event_and_another_seed_another()
    {
        var first = await Play(Faults.None);
        Assert.Equal(first.TraceHash, (await Play(Faults.None)).TraceHash);
        var other = await Play(Faults.None, Seed + 1);
        Assert.NotEqual(first.TraceHash, other.TraceHash);
        Assert.Equal(first.State, other.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task The_operator_may_die_before_any_write(bool overAgent) => AtEachWrite(CrashBefore, crashes: 1, overAgent: overAgent);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task The_operator_may_die_after_any_write(bool overAgent) => AtEachWrite(CrashAfter, crashes: 1, overAgent: overAgent);

    [Fact]
    public Task Under_an_election_the_next_operator_waits_for_the_dead_ones_lease() =>
        AtEachWrite(static n => new Faults { CrashAfter = [n], Name = $"crash after write {n}, with election" }, crashes: 1, election: true);

    [Fact]
    public async Task A_leader_that_cannot_renew_writes_nothing_more_and_a_new_one_goes_on()
    {
        var plain = await Play(Faults.None, election: true);
        foreach (var faults in LeaseOutages) Compare(plain, await Play(faults, election: true), faults.Name);
    }

    [Fact]
    public Task Any_write_may_conflict() => AtEachWrite(Conflict);

    [Fact]
    public Task Any_write_may_be_put_off_by_a_busy_server() => AtEachWrite(Busy);

    [Fact]
    public Task Any_write_may_meet_an_internal_error() => AtEachWrite(InternalError);

    [Fact]
    public Task Any_write_may_be_refused_by_who_thinks_better_of_it() => AtEachWrite(Refusal);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Any_write_may_land_without_an_answer(bool overAgent) => AtEachWrite(NoAnswer, overAgent: overAgent);

    [Theory]
    [InlineData("mpijobs")]
    [InlineData("pods")]
    [InlineData("jobs")]
    [InlineData("services")]
    [InlineData("services", true)]
    public Task Any_event_may_be_lost(string resource, bool overAgent = false) => AtEachEvent(resource, "lost", new WatchFault.Drop(), overAgent);

    [Theory]
    [InlineData("mpijobs")]
    [InlineData("pods")]
    [InlineData("jobs")]
    [InlineData("services")]
    public Task Any_event_and_all_after_it_may_be_late(string resource) => AtEachEvent(resource, "late", new WatchFault.Delay(Late));

    [Theory]
    [InlineData("mpijobs")]
    [InlineData("pods")]
    [InlineData("jobs")]
    [InlineData("services")]
    public Task Any_event_may_come_twice(string resource) => AtEachEvent(resource, "twice", new WatchFault.Duplicate());

    [Theory]
    [InlineData("mpijobs")]
    [InlineData("pods")]
    [InlineData("jobs")]
    [InlineData("services")]
    public Task A_watch_may_break_before_any_event(string resource) => AtEachEvent(resource, "cut", new WatchFault.Cut());

    /// <summary>What the runs at each write try, for whoever wants to know whether they would notice: with an election or without.</summary>
    internal static IEnumerable<(Faults Faults, bool Election)> Sweep(int writes) =>
    [
        .. from faults in (Func<int, Faults>[])[CrashBefore, CrashAfter, Conflict, Busy, InternalError, Refusal, NoAnswer] from n in Enumerable.Range(1, writes) select (faults(n), false),
        .. LeaseOutages.Select(static faults => (faults, true)),
    ];

    private static IEnumerable<Faults> LeaseOutages => Enumerable.Range(0, 9).Select(static i =>
    {
        var from = new VirtualClock().GetUtcNow() + TimeSpan.FromSeconds(3 * i);
        return new Faults { OnLease = now => now >= from && now < from + TimeSpan.FromSeconds(20) ? Fault.Unreachable() : null, Name = $"the lease is out of reach from second {3 * i} on" };
    });

    private static Faults CrashBefore(int write) => new() { CrashBefore = [write], Name = $"crash before write {write}" };
    private static Faults CrashAfter(int write) => new() { CrashAfter = [write], Name = $"crash after write {write}" };
    private static Faults Conflict(int write) => Once(write, "409", Fault.Conflict());
    private static Faults Busy(int write) => Once(write, "429", Fault.TooManyRequests(TimeSpan.FromSeconds(2)));
    private static Faults InternalError(int write) => Once(write, "500", Fault.InternalError());
    private static Faults Refusal(int write) => Once(write, "403", Fault.Forbidden());
    private static Faults NoAnswer(int write) => Once(write, "timeout after landing", Fault.TimeoutAfterLanding());

    private static Faults Once(int write, string name, Fault fault) => new() { OnWrite = (n, _) => n == write ? fault : null, Name = $"{name} at write {write}" };

    private static async Task AtEachWrite(Func<int, Faults> faults, int crashes = 0, bool election = false, bool overAgent = false)
    {
        var plain = await Play(Faults.None, election: election, overAgent: overAgent);
        Assert.NotEqual(0, plain.Writes);
        for (var n = 1; n <= plain.Writes; n++)
        {
            var run = await Play(faults(n), election: election, overAgent: overAgent);
            Compare(plain, run, faults(n).Name);
            Assert.Equal(crashes, run.Crashes);
        }
    }

    private static async Task AtEachEvent(string resource, string what, WatchFault fault, bool overAgent = false)
    {
        var plain = await Play(Faults.None, overAgent: overAgent);
        Assert.NotEqual(0, plain.Events[resource]);
        for (var n = 1; n <= plain.Events[resource]; n++)
        {
            var (number, name) = (n, $"event {n} of {resource} {what}");
            var run = await Play(new Faults { OnEvent = (r, i) => r == resource && i == number ? fault : null, Name = name }, overAgent: overAgent);
            Compare(plain, run, name);
        }
    }

    internal static void Compare(SmokeRun.Result plain, SmokeRun.Result run, string faults)
    {
        if (plain.State == run.State) return;
        var (expected, actual) = (plain.State.Split('\n'), run.State.Split('\n'));
        Assert.Fail($"{faults}: another end state.\nmissing:\n{string.Join("\n", expected.Except(actual))}\nunexpected:\n{string.Join("\n", actual.Except(expected))}\nwrites:\n{string.Join("\n", run.WritesSeen)}");
    }
}
