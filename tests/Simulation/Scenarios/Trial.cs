using Kube.Testing;
using Kube.Types;
using Mpi.Operator;
using Mpi.Planning;
using Mpi.Testing;

namespace Simulation;

/// <summary>What a scenario came to.</summary>
/// <param name="Violation">Null where everything held.</param>
/// <param name="Trace">A hash of everything that happened, in order.</param>
/// <param name="End">The objects at rest, as text that is equal for equal outcomes; empty where it did not come to rest.</param>
internal sealed record TrialResult(ViolationException? Violation, long Steps, string Trace, string End)
{
    /// <summary>Of the operators.</summary>
    public int Writes { get; init; }

    /// <summary>Where only messages and memories were lost, the end is the one of a calm run.</summary>
    public TrialResult ComparedTo(TrialResult calm)
    {
        if (Violation is not null || calm.Violation is not null || calm.End == End) return this;
        var (expected, actual) = (calm.End.Split('\n'), End.Split('\n'));
        return this with { Violation = new ViolationException("EndsAlike", $"lost messages changed the end.{Environment.NewLine}missing: {string.Join("; ", expected.Except(actual).Take(6))}{Environment.NewLine}unexpected: {string.Join("; ", actual.Except(expected).Take(6))}") };
    }
}

/// <summary>Plays a scenario to its end, with every checker looking on, and then once more without its mishaps where they must not have mattered.</summary>
internal sealed class Trial
{
    /// <summary>Longer than two lists of a reflector are apart: by then even an event that was lost without a trace is made good.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(130);

    /// <summary>How long nothing at all may be written at rest.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(2);

    /// <summary>How often others may still change something at what looked like rest.</summary>
    private const int Rounds = 12;

    /// <summary>A clock may have jumped back by as much, and what is due waits for it.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(6);

    /// <summary>From a node's last sign of life until its pods are deleted for it (<c>--node-monitor-grace-period</c>).</summary>
    private const int NodeGrace = 40;

    private readonly HashSet<Mishap> _happened = new(ReferenceEqualityComparer.Instance);
    private readonly Scenario _scenario;
    private readonly Coverage? _coverage;
    private Timetable? _timetable;
    private Doer? _doer;
    private AgentPods? _agents;
    private DelayingSchedule? _order;

    private Trial(Scenario scenario, Coverage? coverage) => (_scenario, _coverage) = (scenario, coverage);

    /// <param name="build">The last word on each operator's parts; null for the operator as it is.</param>
    /// <param name="story">Gets a line for each thing that happens.</param>
    public static async Task<TrialResult> PlayAsync(Scenario scenario, Func<OperatorParts, OperatorParts>? build = null, Coverage? coverage = null, Storyteller? story = null)
    {
        var result = await new Trial(scenario, coverage).PlayOnceAsync(build, story);
        if (result.Violation is not null || scenario.Mishaps.IsEmpty || !scenario.EndsAlike) return result;
        var calm = await new Trial(scenario with { Mishaps = [] }, null).PlayOnceAsync(build, null);
        result = result.ComparedTo(calm);
        return result with { Steps = result.Steps + calm.Steps };
    }

    /// <summary>Plays a scenario once, in an order that is not the seed's.</summary>
    /// <exception cref="NoOtherOrderException">A delay changed nothing.</exception>
    public static Task<TrialResult> PlayInOrderAsync(Scenario scenario, DelayingSchedule order, Func<OperatorParts, OperatorParts>? build = null, Storyteller? story = null) =>
        new Trial(scenario, null) { _order = order }.PlayOnceAsync(build, story);

    private async Task<TrialResult> PlayOnceAsync(Func<OperatorParts, OperatorParts>? build, Storyteller? story)
    {
        var subject = _scenario.Subject;
        var pods = new PretendingPods(_scenario, Happened, () => _agents);
        var rules = new WatchedRules(_coverage);
        await using var world = new SimulatedCluster(new SimulationOptions(_scenario.Seed)
        {
            Nodes = 3,
            Dialects = [subject.DialectOf(_scenario)],
            Rights = subject.Rights(_scenario),
            Planning = subject.Planning(_scenario),
            Definitions = [.. subject.Definitions(_scenario)],
            AlsoWatched = [subject.Kind, Kinds.Event, .. subject.Groups(_scenario)],
            LeaderElection = _scenario.Candidates > 0,
            Standby = _scenario.Candidates > 1,
            // Workers that stay go on dialling.
            MostSteps = _scenario.Agents ? 4_000_000 : 400_000,
            Schedule = _order,
            ScriptOf = pods.ScriptOf,
            Faults = Faults(),
            Timetable = cluster => _timetable = new Timetable(cluster.Clock, Entries(cluster)),
            Build = parts => rules.Watch(build?.Invoke(parts) ?? parts),
        });
        if (_scenario.Agents) _agents = new AgentPods(world, _scenario, what => _coverage?.Meet(what));
        story?.Follow(world);
        if (_order is { } order) order.Told = what => world.Tell("order:", what);
        _doer = new Doer(_scenario, world);
        ViolationException? violation = null;
        var end = "";
        try
        {
            _doer.PlaceABystander();
            foreach (var taken in _scenario.Mishaps.OfType<Mishap.NameIsTaken>())
            {
                Happened(taken);
                _doer.Take(taken.Of);
            }

            _doer.MakeTheJob();
            end = ComeToRest(world, rules);
        }
        catch (SimulationException failed)
        {
            violation = failed.InnerException as ViolationException ?? new ViolationException("Stepping", failed.InnerException!.Message.Split(". Virtual time", 2)[0]);
        }

        violation ??= world.Operator.Log.Bugs.Concat(world.Standby?.Log.Bugs ?? []).Select(static bug => new ViolationException("NoBugs", bug)).FirstOrDefault();
        _coverage?.Add(_scenario, _happened, world.Observer.View);
        return new TrialResult(violation, world.Stepper.Steps, world.Observer.TraceHash, end) { Writes = world.Operator.Writes };
    }

    /// <returns>The end.</returns>
    private string ComeToRest(SimulatedCluster world, WatchedRules rules)
    {
        // By whom anything was changed since the last look.
        var (operators, others) = ((string?)null, false);
        var told = world.Observer.Seen;
        world.Observer.Seen = change =>
        {
            told(change);
            if (change.IsOperators) operators ??= change.Object.ToString();
            else others = true;
        };

        // A pod that cannot start leaves the others running on: as long as anybody else changes anything, it was not yet rest. Nor was it while an
        // operator dies: its successor has its questions first, once it leads.
        for (var round = 1; ; round++)
        {
            AwaitRest(world);
            _order?.Close();
            others = false;
            var crashes = Crashes(world);
            world.RunFor(Settling(world));
            var writes = world.Operator.Writes;
            operators = null;
            world.RunFor(Rest);
            if ((others || Crashes(world) != crashes) && round < Rounds) continue;

            if (operators is { } changed) throw Failed("QuietAtRest", $"the operator still changes {changed} at rest");
            if (Unrest(world) is { } broken) throw Failed("AtRest", broken);
            // A name that is taken is asked about in the form of a patch, which changes nothing.
            var blocked = world.Observer.View.Jobs.Any(static j => j.Recorded.Blocked is not null);
            if (!blocked && world.Operator.Writes != writes) throw Failed("QuietAtRest", $"the operator still writes at rest: {world.Operator.WritesSeen[writes]}");
            if ((WorkBound.Check(_scenario, world, blocked) ?? rules.Impure ?? _agents?.Rules.Rested(_scenario, world.Observer.View)) is { } found) throw new SimulationException(found.Message, found);
            return world.State;
        }
    }

    private static int Crashes(SimulatedCluster world) => world.Operator.Crashes + (world.Standby?.Crashes ?? 0);

    /// <summary>Until every job is as far as it can come, and nothing more is to befall it.</summary>
    private void AwaitRest(SimulatedCluster world)
    {
        // Asked after each step; only a change can have changed the answer.
        var (asked, unrest) = (-1L, (string?)"nothing has happened yet");
        try
        {
            world.RunUntil(
                () =>
                {
                    if (asked != world.Observer.Changes) (asked, unrest) = (world.Observer.Changes, Unrest(world));
                    return unrest is null && _timetable!.IsOver && world.Operator.Process is not null;
                },
                Patience,
                "rest");
        }
        catch (SimulationException late) when (unrest is not null && late.InnerException is StepperException stepping)
        {
            // Too much time, or too many steps: the leases alone take some each second.
            throw Failed(nameof(EveryJobComesToRest), $"{unrest} ({stepping.Message.Split(". Virtual time", 2)[0]})");
        }
    }

    /// <summary>Counters alone are told late, after a quarter of the run's age (StatusPacing), and a lifetime ends late by a clock that is behind.</summary>
    private TimeSpan Settling(SimulatedCluster world)
    {
        if (_scenario.Mishaps.Any(static m => m is Mishap.ClockJumps)) return LongestWait;
        var half = (world.Clock.GetUtcNow() - new VirtualClock().GetUtcNow()) / 2;
        return half < TimeSpan.FromMinutes(1) ? TimeSpan.FromMinutes(1) : half < LongestWait ? half : LongestWait;
    }

    private static SimulationException Failed(string checker, string what) => new(what, new ViolationException(checker, what));

    private static string? Unrest(SimulatedCluster world)
    {
        foreach (var job in world.Observer.View.Jobs)
        {
            if (EveryJobComesToRest.Unrest(job) is { } why) return $"{job} {why}";
        }

        try
        {
            world.Observer.Rest();
            return null;
        }
        catch (ViolationException violation)
        {
            return violation.Message;
        }
    }

    private void Happened(Mishap mishap) => _happened.Add(mishap);

    private IEnumerable<(DateTimeOffset At, Action Do)> Entries(SimulatedCluster world)
    {
        var start = world.Clock.GetUtcNow();
        foreach (var mishap in _scenario.Mishaps)
        {
            foreach (var (second, act) in Entries(world, mishap))
            {
                yield return (start + TimeSpan.FromSeconds(second), () =>
                {
                    Happened(mishap);
                    world.Tell("fate:", mishap.ToString()!);
                    act();
                });
            }
        }
    }

    private IEnumerable<(int At, Action Do)> Entries(SimulatedCluster world, Mishap mishap) => mishap switch
    {
        Mishap.ClockJumps jump => [(jump.At, () => world.Operator.Clock.Ahead += TimeSpan.FromSeconds(jump.By))],
        // Nobody hears of a node's death at once, and agents must be seen to notice it first.
        Mishap.NodeDies death when _scenario.Agents => [(death.At, () => _agents!.Lose(death.Node, back: null)), (death.At + NodeGrace, () => _doer!.Kill(death.Node))],
        Mishap.NodeDies death => [(death.At, () => _doer!.Kill(death.Node))],
        Mishap.NodeComesBack away => [(away.At, () => _agents?.Lose(away.Node, TimeSpan.FromSeconds(NodeGrace + away.After))), (away.At + NodeGrace, () => _doer!.Kill(away.Node))],
        Mishap.NodeIsCutOff cut => [(cut.At, () => _agents?.CutOff(cut.Node, TimeSpan.FromSeconds(cut.For)))],
        Mishap.ConnectionsBreak broken => [(broken.At, () => _agents?.Break(broken.Worker))],
        Mishap.StrangersKnock knock => [(knock.At, () => _agents?.Knock())],
        Mishap.NetworkIsSlow or Mishap.NamesAreLate or Mishap.ServicesAreDead => [(0, static () => { })],
        Mishap.NameIsTaken { FreeAt: { } at } taken => [(at, () => _doer!.Free(taken.Of))],
        Mishap.UserDoes { AfterWrite: 0 } deed => [(deed.At, () => _doer!.Do(deed.What))],
        _ => [],
    };

    private Faults Faults()
    {
        var mishaps = _scenario.Mishaps;
        var start = new VirtualClock().GetUtcNow();
        return new Faults
        {
            Name = "a scenario",
            CrashBefore = [.. mishaps.OfType<Mishap.CrashBefore>().Select(static m => m.Write)],
            CrashAfter = [.. mishaps.OfType<Mishap.CrashAfter>().Select(static m => m.Write)],
            OnWrite = (number, _) => Find<Mishap.WriteFails>(m => m.Write == number)?.How.ToFault(),
            OnRead = mishaps.OfType<Mishap.ReadFails>().Any() ? (number, _) => Find<Mishap.ReadFails>(m => m.Read == number)?.How.ToFault() : null,
            OnEvent = (resource, number) => Find<Mishap.EventFails>(m => m.Number == number && m.Resource == resource)?.How,
            OnLease = now => Find<Mishap.LeaseOutOfReach>(m => now - start is var since && since >= TimeSpan.FromSeconds(m.At) && since < TimeSpan.FromSeconds(m.At + m.For)) is null ? null : Fault.Unreachable(),
            Landed = number =>
            {
                if (mishaps.Any(m => m is Mishap.CrashAfter crash && crash.Write == number)) Happened(mishaps.First(m => m is Mishap.CrashAfter crash && crash.Write == number));
                if (Find<Mishap.UserDoes>(m => m.AfterWrite == number) is { } deed) _doer!.Do(deed.What);
            },
        };

        T? Find<T>(Func<T, bool> is_) where T : Mishap
        {
            foreach (var mishap in mishaps)
            {
                if (mishap is not T candidate || !is_(candidate)) continue;
                Happened(mishap);
                return candidate;
            }

            return null;
        }
    }
}
