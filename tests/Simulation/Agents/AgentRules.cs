using System.Collections.Immutable;
using System.Globalization;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using Mpi.Model;
using Mpi.Testing;

namespace Simulation;

/// <summary>
/// What must hold of gates, calls and reports, whatever befalls pods and network. It looks on from outside: it knows which process runs in which pod and
/// which connections were spoilt, and asks no agent.
/// </summary>
internal sealed class AgentRules(AgentPods world, Action<ViolationException> report)
{
    /// <summary>From a process's end until its peers have taken notice: packets on their way, a farewell that is waited for, a second of the kubelet's.</summary>
    public static readonly TimeSpan EndIsKnown = TimeSpan.FromSeconds(4);

    /// <summary>The same of a silence.</summary>
    public static readonly TimeSpan SilenceIsKnown = LivenessPace.Default.LostAfter + EndIsKnown;

    private readonly Dictionary<string, DateTimeOffset> _disturbed = new(StringComparer.Ordinal);
    private readonly List<Call> _calls = [];

    /// <summary>Counts what was met, for summaries.</summary>
    public Action<string> Met { get; init; } = static _ => { };

    public void Break(string rule, string what) => report(new ViolationException(rule, what));

    /// <summary>Connections of a pod broke, or are to be lost.</summary>
    public void Disturbed(PodAgent pod)
    {
        _disturbed[pod.Name] = world.Now;
        foreach (var call in _calls.Where(call => call.On == pod && !call.DaemonEnds(world.Now))) call.WasCut = true;
    }

    /// <summary>A gate has let its launcher through.</summary>
    /// <param name="since">Since when its proofs may be true.</param>
    public void Opened(PodAgent gate, ImmutableArray<string> hosts, GateReport found, DateTimeOffset since)
    {
        Met($"a gate opens: {found.Opened}");
        world.Tell(gate, string.Create(CultureInfo.InvariantCulture, $"gate opens: {found.Opened}, {found.Proven} of {found.Total}"));
        if (found.Opened != GateOpening.Proven) return;
        if (found.Total != hosts.Length || found.Proven != hosts.Length) Break("GateWaitsForAll", $"{gate} opened with {found.Proven} of {found.Total} workers proven, and there are {hosts.Length}");
        foreach (var host in hosts)
        {
            if (!world.Named(host).Any(w => w.Away is not { } away || away.KnownBy >= since)) Break("GateWaitsForAll", $"{gate} opened without {host}");
        }
    }

    /// <returns>The call's number.</returns>
    public int Called(PodAgent launcher, string host)
    {
        _calls.Add(new Call(launcher, host));
        return _calls.Count - 1;
    }

    /// <summary>A daemon starts on a worker.</summary>
    /// <param name="words">Its command line, which mpirun made (<see cref="Mpirun"/>).</param>
    /// <returns>How long it runs.</returns>
    public TimeSpan Started(PodAgent worker, IReadOnlyList<string> words)
    {
        var call = _calls[int.Parse(words[1], CultureInfo.InvariantCulture)];
        var runs = TimeSpan.FromMilliseconds(double.Parse(words[2], CultureInfo.InvariantCulture));
        Met("a daemon starts");
        world.Tell(worker, $"runs a daemon of {call.Launcher}");
        if (Hostfile.Short(call.Host) != worker.Name) Break("CallsReachTheirHosts", $"{call.Launcher} called {call.Host} and got a daemon on {worker}");
        if (call.On is not null) Break("CallsReachTheirHosts", $"the call of {call.Launcher} to {call.Host} started a second daemon, on {worker} after {call.On}");
        foreach (var member in (PodAgent[])[call.Launcher, worker])
        {
            if (world.Now > member.GoneSince + EndIsKnown) Break("NothingOfAnEarlierAttempt", $"{call.Launcher} got a daemon on {worker}, and {member} is no pod of the job any more");
        }

        (call.On, call.DueAt) = (worker, world.Now + runs);
        return runs;
    }

    public void Ended(int number, string? why)
    {
        var call = _calls[number];
        Met(why is null ? "a call ends well" : "a call fails");
        if (why is null && call.On is null) Break("CallsEndTruly", $"{call.Launcher}: the call to {call.Host} ended well and started nothing");
        if (why is null && call.WasCut) Break("CallsEndTruly", $"{call.Launcher}: the call to {call.Host} ended well though the daemon on {call.On} was cut off");
    }

    /// <summary>A launcher's command has ended by itself.</summary>
    public void Finished(PodAgent launcher, DateTimeOffset began, int code, IEnumerable<string> failures, IReadOnlyList<LostWorker> lost, string message)
    {
        var told = AgentReport.TryRead(message)?.Launcher?.Lost ?? [];
        if (told.Length > 0) Met("a loss is reported");
        foreach (var why in failures.Where(static why => why.Contains("the worker is lost", StringComparison.Ordinal)))
        {
            if (!told.Any(t => t.Host == Hostfile.Short(why.Split(':')[0]))) Break("LossesAreReported", $"{launcher}: {why}; and the report is \"{message}\"");
        }

        foreach (var one in told)
        {
            if (!Spoilt(one.Host) && !Spoilt(launcher.Name)) Break("LossesAreReported", $"{launcher} reports that {one.Host} was lost ({one.Reason}), and nothing has befallen it");
        }

        if (code == 0 && lost.Count > 0) Break("LossesAreReported", $"{launcher} has lost {lost[0].Host} and ends well");

        bool Spoilt(string name) => _disturbed.TryGetValue(name, out var at) && at + SilenceIsKnown >= began;
    }

    /// <summary>
    /// At rest: a job that met with nothing but the infrastructure's doings, and whose launchers all told of the workers that they had lost, has not
    /// failed. Where workers are replaced without the launcher, its failures are its own.
    /// </summary>
    public ViolationException? Rested(Scenario scenario, ClusterView view)
    {
        if (scenario.Elastic || !scenario.Mishaps.All(static m => m.IsInfrastructures) || world.All.Any(static p => p is { Leads: true, HasToldItsEnd: false })) return null;
        foreach (var job in view.Jobs)
        {
            if (job.Recorded.Outcome is RunOutcome.Failed failed) return new ViolationException("LossesCostNoRetry", $"{job} has failed ({failed.Reason}: {failed.Message}), and all that befell it was the infrastructure's doing");
        }

        return null;
    }

    private sealed class Call(PodAgent launcher, string host)
    {
        public PodAgent Launcher => launcher;
        public string Host => host;

        /// <summary>Where its daemon runs.</summary>
        public PodAgent? On { get; set; }

        public DateTimeOffset DueAt { get; set; }

        /// <summary>The daemon was ended, or cut off, before its time.</summary>
        public bool WasCut { get; set; }

        public bool DaemonEnds(DateTimeOffset now) => now >= DueAt;
    }
}
