using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class GateMachineTests
{
    private static readonly ProbeResult Reached = new ProbeResult.Reached();
    private static readonly ProbeResult Refused = new ProbeResult.Failed(UnreachableCause.Refused, "Connection refused");
    private static readonly ProbeResult Closed = new ProbeResult.Failed(UnreachableCause.Closed, "Connection closed by remote host");
    private static readonly ProbeResult Silent = new ProbeResult.Failed(UnreachableCause.Silent, "no login in time");
    private static readonly ProbeResult Unknown = new ProbeResult.Failed(UnreachableCause.NameUnknown, "Could not resolve hostname");
    private static readonly ProbeResult Denied = new ProbeResult.Failed(UnreachableCause.PermissionDenied, "Permission denied (publickey).");

    [Fact]
    public void Without_workers_it_opens_at_once()
    {
        var step = Machine([]).Step(TimeSpan.Zero, allRun: false);

        Assert.Equal(GateOpening.Proven, step.Opened);
        Assert.Empty(step.Begin);
    }

    [Fact]
    public void All_workers_are_tried_at_once_up_to_the_bound()
    {
        var step = Machine(Hosts(20)).Step(TimeSpan.Zero, allRun: false);

        Assert.Equal(Hosts(20).Take(16), step.Begin.Select(static t => t.Host));
        Assert.All(step.Begin, static t => Assert.Equal(ProbeMethod.Login, t.Method));
    }

    [Fact]
    public void A_free_place_goes_to_the_worker_that_has_waited_longest()
    {
        var machine = Machine(Hosts(17));
        machine.Step(TimeSpan.Zero, allRun: false);
        machine.Ended("w-3", Refused, Ms(10));

        Assert.Equal(["w-16"], machine.Step(Ms(200), allRun: false).Begin.Select(static t => t.Host));
    }

    [Fact]
    public void A_proven_worker_is_not_asked_again()
    {
        var world = new World(Hosts(2));
        world.Answer = static (host, now) => host == "w-0" || now > Seconds(30) ? Reached : Refused;

        world.RunUntilOpen();

        Assert.Equal(1, world.Tries("w-0"));
        Assert.True(world.Tries("w-1") > 5);
    }

    [Fact]
    public void It_opens_in_the_step_after_the_last_proof()
    {
        var world = new World(Hosts(3));
        world.Answer = static (host, now) => now >= Seconds(host[^1] - '0') ? Reached : Refused;

        var report = world.RunUntilOpen();

        Assert.Equal(GateOpening.Proven, report.Opened);
        Assert.Equal((3, 3), (report.Total, report.Proven));
        Assert.Empty(report.Missing);
        Assert.InRange(report.Workers.Max(static w => w.ReachableMs), 2000, 3700);
    }

    [Fact]
    public void Pauses_between_tries_grow_to_five_seconds_and_no_further()
    {
        var world = new World(Hosts(1)) { Answer = static (_, now) => now > Seconds(120) ? Reached : Refused };

        world.RunUntilOpen();

        var pauses = world.TriedAt["w-0"].Zip(world.TriedAt["w-0"].Skip(1), static (a, b) => b - a).ToList();
        Assert.InRange(pauses[0], Ms(50), Ms(150));
        Assert.All(pauses, static p => Assert.InRange(p, Ms(50), Ms(5020)));
        Assert.All(pauses.Skip(7), static p => Assert.InRange(p, Ms(2500), Ms(5020)));
    }

    [Fact]
    public void Two_gates_with_other_random_sources_do_not_try_in_step()
    {
        var (one, other) = (new World(Hosts(1), seed: 1), new World(Hosts(1), seed: 2));
        foreach (var world in new[] { one, other })
        {
            world.Answer = static (_, now) => now > Seconds(20) ? Reached : Refused;
            world.RunUntilOpen();
        }

        Assert.NotEqual(one.TriedAt["w-0"], other.TriedAt["w-0"]);
    }

    [Fact]
    public void The_time_limit_counts_from_when_every_name_resolves()
    {
        var world = new World(Hosts(2));
        world.Answer = static (host, now) => host == "w-1" && now < Seconds(3600) ? Unknown : Refused;

        var report = world.RunUntilOpen();

        Assert.Equal(GateOpening.Timeout, report.Opened);
        Assert.InRange(world.Now, Seconds(3600 + 600), Seconds(3600 + 606));
    }

    [Fact]
    public void Images_that_come_minutes_apart_are_waited_for()
    {
        // A pod has its address, and so its name, while its image is still being pulled.
        var world = new World(Hosts(9)) { Answer = static (host, now) => now > TimeSpan.FromMinutes(host[^1] - '0') ? Reached : Refused };

        var report = world.RunUntilOpen();

        Assert.Equal((GateOpening.Proven, 9), (report.Opened, report.Proven));
        Assert.InRange(world.Now, Seconds(480), Seconds(486));
    }

    [Fact]
    public void A_worker_that_starts_ten_minutes_late_has_all_of_the_time_limit_before_it()
    {
        var world = new World(Hosts(2)) { Answer = static (host, now) => host == "w-0" ? Reached : now < Seconds(600) ? Unknown : now < Seconds(900) ? Refused : Reached };

        Assert.Equal(GateOpening.Proven, world.RunUntilOpen().Opened);
        Assert.InRange(world.Now, Seconds(900), Seconds(906));
        Assert.Equal(1, world.Tries("w-0"));
    }

    [Fact]
    public void Names_that_DNS_does_not_know_for_thirty_seconds_cost_one_pause_more()
    {
        var world = new World(Hosts(4)) { Answer = static (_, now) => now < Seconds(30) ? Unknown : Reached };

        Assert.Equal(GateOpening.Proven, world.RunUntilOpen().Opened);
        Assert.InRange(world.Now, Seconds(30), Seconds(36));
    }

    [Fact]
    public void A_worker_that_restarts_before_it_is_proven_is_proven_when_it_is_back()
    {
        var world = new World(Hosts(2));
        // Its sshd comes up, ends in the middle of the login, and comes up once more.
        world.Answer = static (host, now) => host == "w-1" || now > Seconds(40) ? Reached : now > Seconds(20) && now < Seconds(25) ? Closed : Refused;

        Assert.Equal(GateOpening.Proven, world.RunUntilOpen().Opened);
        Assert.InRange(world.Now, Seconds(40), Seconds(46));
        Assert.Equal(1, world.Tries("w-1"));
    }

    [Fact]
    public void Names_that_never_resolve_are_waited_for_without_end_while_their_pods_may_not_run()
    {
        var world = new World(Hosts(1)) { Answer = static (_, _) => Unknown };

        Assert.Null(world.RunUntil(TimeSpan.FromDays(2)));
    }

    [Fact]
    public void The_operators_word_that_all_workers_run_starts_the_time_limit_even_when_names_never_resolve()
    {
        var world = new World(Hosts(1)) { Answer = static (_, _) => Unknown, AllRun = static now => now > Seconds(100) };

        var report = world.RunUntilOpen();

        Assert.Equal(GateOpening.Timeout, report.Opened);
        Assert.InRange(world.Now, Seconds(700), Seconds(706));
        Assert.Equal(UnreachableCause.NameUnknown, Assert.Single(report.Missing).Cause);
    }

    [Fact]
    public void When_only_denied_logins_are_left_it_opens_after_a_minute()
    {
        var world = new World(Hosts(2)) { Answer = static (host, _) => host == "w-0" ? Reached : Denied };

        var report = world.RunUntilOpen();

        Assert.Equal(GateOpening.Timeout, report.Opened);
        Assert.InRange(world.Now, Seconds(60), Seconds(61));
        Assert.Equal([new MissingWorker("w-1", UnreachableCause.PermissionDenied, "Permission denied (publickey).")], report.Missing);
    }

    [Fact]
    public void A_denied_login_does_not_shorten_the_wait_for_others()
    {
        var world = new World(Hosts(2)) { Answer = static (host, now) => host == "w-0" ? Denied : now > Seconds(300) ? Reached : Unknown };

        world.RunUntilOpen();

        Assert.InRange(world.Now, Seconds(360), Seconds(372));
    }

    [Fact]
    public void Where_commands_are_forbidden_the_greeting_is_asked_at_once()
    {
        var machine = Machine(Hosts(1));
        machine.Step(TimeSpan.Zero, allRun: false);
        machine.Ended("w-0", new ProbeResult.CommandForbidden(), Ms(5));

        Assert.Equal([("w-0", ProbeMethod.Banner)], machine.Step(Ms(5), allRun: false).Begin.Select(static t => (t.Host, t.Method)));
    }

    [Fact]
    public void A_worker_that_is_slow_gets_more_time_with_each_try_and_no_other_does()
    {
        var world = new World(Hosts(2)) { Answer = static (host, now) => host == "w-0" ? now > Seconds(400) ? Reached : Silent : now > Seconds(400) ? Reached : Refused };

        world.RunUntilOpen();

        Assert.Equal([20, 40, 80, 120, 120], world.Limits("w-0").Take(5).Select(static l => l.TotalSeconds));
        Assert.All(world.Limits("w-1"), static l => Assert.Equal(20, l.TotalSeconds));
    }

    [Fact]
    public void Progress_names_who_is_missing_and_why()
    {
        var machine = Machine(["w-0.job.ns.svc", "w-1.job.ns.svc"]);
        machine.Step(TimeSpan.Zero, allRun: false);
        machine.Ended("w-0.job.ns.svc", Reached, Ms(900));
        machine.Ended("w-1.job.ns.svc", Refused, Ms(950));

        Assert.Equal("1 of 2 workers reachable; waiting for w-1: Connection refused", machine.Step(Ms(1000), allRun: false).Say);
    }

    [Fact]
    public void Progress_groups_workers_that_fail_alike()
    {
        var machine = Machine(Hosts(7));
        machine.Step(TimeSpan.Zero, allRun: false);
        foreach (var host in Hosts(7)) machine.Ended(host, host == "w-2" ? Refused : Unknown, Ms(10));

        Assert.Equal(
            "0 of 7 workers reachable; waiting for w-0, w-1, w-3 and 3 more: Could not resolve hostname; w-2: Connection refused",
            machine.Step(Ms(1010), allRun: false).Say);
    }

    [Fact]
    public void Progress_is_repeated_every_ten_seconds_and_not_more_than_once_a_second()
    {
        var world = new World(Hosts(1)) { Answer = static (_, now) => now > Seconds(65) ? Reached : Refused };

        world.RunUntilOpen();

        Assert.Equal("1 of 1 worker reachable after", world.Said[^1].Line[..29]);
        Assert.InRange(world.Said.Count, 8, 10);
        Assert.All(world.Said.Zip(world.Said.Skip(1)), static pair => Assert.True(pair.Second.At - pair.First.At >= Seconds(1) || pair.Second.Line.Contains("after", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_thousand_workers_that_start_with_skew_are_all_proven_soon_after_the_last_one()
    {
        var world = new World(Hosts(1000));
        world.Answer = static (host, now) => now > Ms(int.Parse(host[2..]) * 60) ? Reached : Unknown;

        var report = world.RunUntilOpen();

        Assert.Equal((GateOpening.Proven, 1000), (report.Opened, report.Proven));
        Assert.InRange(world.Now, Seconds(60), Seconds(68));
    }

    private static GateMachine Machine(IEnumerable<string> hosts) => new(hosts, ProbeMethod.Login, new GatePace(), new Random(7));

    private static IEnumerable<string> Hosts(int count) => Enumerable.Range(0, count).Select(static i => $"w-{i}");

    private static TimeSpan Ms(double value) => TimeSpan.FromMilliseconds(value);

    private static TimeSpan Seconds(double value) => TimeSpan.FromSeconds(value);

    /// <summary>Workers under virtual time: a try takes 10 ms, and ends as <see cref="Answer"/> says.</summary>
    private sealed class World(IEnumerable<string> hosts, int seed = 7)
    {
        private readonly GateMachine machine = new(hosts, ProbeMethod.Login, new GatePace(), new Random(seed));
        private readonly PriorityQueue<string, TimeSpan> underWay = new();

        public Func<string, TimeSpan, ProbeResult> Answer { get; set; } = static (_, _) => Reached;
        public Func<TimeSpan, bool> AllRun { get; set; } = static _ => false;
        public TimeSpan Now { get; private set; }
        public Dictionary<string, List<TimeSpan>> TriedAt { get; } = [];
        public List<(string Line, TimeSpan At)> Said { get; } = [];
        public List<GateTry> Begun { get; } = [];

        public IEnumerable<TimeSpan> Limits(string host) => Begun.Where(t => t.Host == host).Select(static t => t.Limit);

        public int Tries(string host) => TriedAt[host].Count;

        public GateReport RunUntilOpen() => RunUntil(TimeSpan.FromDays(1)) ?? throw new InvalidOperationException("still closed after a day");

        public GateReport? RunUntil(TimeSpan end)
        {
            while (Now < end)
            {
                var step = machine.Step(Now, AllRun(Now));
                if (step.Say is not null) Said.Add((step.Say, Now));
                if (step.Opened is { } opened) return machine.Report(opened);
                foreach (var one in step.Begin)
                {
                    if (!TriedAt.TryGetValue(one.Host, out var tries)) TriedAt[one.Host] = tries = [];
                    tries.Add(Now);
                    Begun.Add(one);
                    underWay.Enqueue(one.Host, Now + Ms(10));
                }

                Assert.True(step.WakeAt > Now || underWay.Count > 0, "the machine would spin");
                if (underWay.TryPeek(out _, out var next) && next <= step.WakeAt)
                {
                    Now = next;
                    var host = underWay.Dequeue();
                    machine.Ended(host, Answer(host, Now), Now);
                }
                else
                {
                    Now = step.WakeAt;
                }
            }

            return null;
        }
    }
}
