using System.Collections.Immutable;
using System.Diagnostics;
using Mpi.Agent.Protocol;

namespace Mpi.Agent.Roles;

/// <summary>
/// The gate's decisions, without clock, process or network: results of tries go in, tries to begin and lines to print come
/// out. All times count from the gate's start. Deterministic from its random source; for one thread. A step costs
/// O(log N) for N workers, but for the lines it prints.
/// </summary>
public sealed class GateMachine
{
    private readonly GatePace pace;
    private readonly Random jitter;
    private readonly ImmutableArray<Worker> workers;
    private readonly Dictionary<string, Worker> byHost;
    /// <summary>By the time of the next try, then by place in the hostfile.</summary>
    private readonly PriorityQueue<Worker, (TimeSpan At, int Index)> waiting = new();
    private int underWay;
    private int proven;
    private int unresolved;
    private int hopeless;
    private TimeSpan? allRunSince;
    private TimeSpan? hopelessSince;
    private TimeSpan? saidAt;
    private bool changedSinceSaid = true;

    public GateMachine(IEnumerable<string> hosts, ProbeMethod method, GatePace pace, Random jitter)
    {
        this.pace = pace;
        this.jitter = jitter;
        workers = [.. hosts.Select((host, index) => new Worker(host, index, method))];
        byHost = workers.ToDictionary(static w => w.Host, StringComparer.Ordinal);
        unresolved = workers.Length;
        foreach (var worker in workers) Queue(worker, TimeSpan.Zero);
    }

    /// <summary>What to do now.</summary>
    /// <param name="now">Since the gate's start.</param>
    /// <param name="allRun">Whether all workers are known to run from another source than their names.</param>
    public GateStep Step(TimeSpan now, bool allRun)
    {
        if (proven == workers.Length) return Open(GateOpening.Proven, now);

        NoteWhatWaitingMayHeal(now, allRun);
        var end = Earlier(allRunSince + pace.Timeout, hopelessSince + pace.HopelessTimeout);
        if (now >= end) return Open(GateOpening.Timeout, now);

        return new GateStep { Begin = Begin(now), Say = Say(now), WakeAt = Earlier(Earlier(end, NextTry()), NextWords())!.Value };
    }

    /// <summary>A try that a step began has ended.</summary>
    public void Ended(string host, ProbeResult result, TimeSpan now)
    {
        var worker = byHost[host];
        underWay--;
        switch (result)
        {
            case ProbeResult.Reached:
                worker.ProvenAt = now;
                proven++;
                MarkResolved(worker);
                Note(worker, null);
                break;
            case ProbeResult.CommandForbidden:
                worker.Method = ProbeMethod.Banner;
                MarkResolved(worker);
                Queue(worker, now);
                break;
            case ProbeResult.Failed failure:
                if (failure.Cause is UnreachableCause.Refused or UnreachableCause.Silent or UnreachableCause.Closed or UnreachableCause.PermissionDenied or UnreachableCause.HostKey) MarkResolved(worker);
                if (failure.Cause == UnreachableCause.Silent) worker.Silences++;
                Note(worker, failure);
                Queue(worker, now + Pause(worker.Failures++));
                break;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>A worker's connection ended. If it was proven it is so no more: it restarts, or its node is gone.</summary>
    public void Lost(string host, string reason, TimeSpan now)
    {
        var worker = byHost[host];
        if (worker.ProvenAt is null) return;
        worker.ProvenAt = null;
        proven--;
        Note(worker, new ProbeResult.Failed(UnreachableCause.Closed, reason));
        Queue(worker, now);
    }

    /// <summary>The whole result so far.</summary>
    public GateReport Report(GateOpening opened) => new()
    {
        Opened = opened,
        Total = workers.Length,
        Proven = proven,
        Workers = [.. workers.Where(static w => w.ProvenAt is not null).Select(static w => new ReachableWorker(Hostfile.Short(w.Host), (long)w.ProvenAt!.Value.TotalMilliseconds))],
        Missing = [.. workers.Where(static w => w.ProvenAt is null).Select(static w => new MissingWorker(Hostfile.Short(w.Host), w.Cause, w.Reason))],
    };

    private GateStep Open(GateOpening opened, TimeSpan now) => new() { Say = GateProgress.LastLine(workers, opened, now), Opened = opened, WakeAt = now };

    /// <summary>
    /// The gate sees no pods. A worker runs once its name resolves (or once the operator says so, should DNS never learn
    /// its name), and before all run there is no hurry: a full cluster may delay workers for days.
    /// </summary>
    private void NoteWhatWaitingMayHeal(TimeSpan now, bool allRun)
    {
        if (unresolved == 0 || allRun) allRunSince ??= now;
        if (proven + hopeless < workers.Length) hopelessSince = null;
        else hopelessSince ??= now;
    }

    private ImmutableArray<GateTry> Begin(TimeSpan now)
    {
        var begin = ImmutableArray.CreateBuilder<GateTry>();
        while (underWay < pace.Parallelism && waiting.TryPeek(out var worker, out var next) && next.At <= now)
        {
            waiting.Dequeue();
            underWay++;
            begin.Add(new GateTry(worker.Host, worker.Method, Limit(worker.Silences)));
        }

        return begin.ToImmutable();
    }

    private void Queue(Worker worker, TimeSpan at) => waiting.Enqueue(worker, (at, worker.Index));

    /// <summary>A worker that only waits for a free place needs no waking: the end of another try brings the next step.</summary>
    private TimeSpan? NextTry() => underWay < pace.Parallelism && waiting.TryPeek(out _, out var next) ? next.At : null;

    private string? Say(TimeSpan now)
    {
        if (now < NextWords()) return null;
        (saidAt, changedSinceSaid) = (now, false);
        return GateProgress.Line(workers);
    }

    private TimeSpan? NextWords() => saidAt + (changedSinceSaid ? pace.ShortestSilence : pace.LongestSilence);

    private void MarkResolved(Worker worker)
    {
        if (worker.Resolved) return;
        worker.Resolved = true;
        unresolved--;
    }

    private void Note(Worker worker, ProbeResult.Failed? failure)
    {
        changedSinceSaid |= failure is null || failure.Cause != worker.Cause;
        hopeless += (IsHopeless(failure) ? 1 : 0) - (IsHopeless(worker.Failure) ? 1 : 0);
        worker.Failure = failure;
    }

    private static bool IsHopeless(ProbeResult.Failed? failure) =>
        failure?.Cause is UnreachableCause.PermissionDenied or UnreachableCause.KeyMode or UnreachableCause.HostKey or UnreachableCause.NoSuchUser;

    /// <summary>100 ms, 200 ms, … 5 s, each shortened by up to half at random so that launchers of one cluster spread out.</summary>
    private TimeSpan Pause(int failures) =>
        Earlier(pace.FirstPause * Math.Pow(2, Math.Min(failures, 30)), pace.LongestPause)!.Value * (0.5 + (jitter.NextDouble() / 2));

    /// <summary>A worker that is slow is no faster for being begun with anew.</summary>
    private TimeSpan Limit(int silences) => Earlier(pace.FirstLimit * Math.Pow(2, Math.Min(silences, 30)), pace.LongestLimit)!.Value;

    private static TimeSpan? Earlier(TimeSpan? a, TimeSpan? b) => a < b || b is null ? a : b;

    internal sealed class Worker(string host, int index, ProbeMethod method)
    {
        public string Host { get; } = host;
        public int Index { get; } = index;
        public ProbeMethod Method { get; set; } = method;
        public bool Resolved { get; set; }
        public int Failures { get; set; }

        /// <summary>Tries that ended because their time was up.</summary>
        public int Silences { get; set; }

        public TimeSpan? ProvenAt { get; set; }
        public ProbeResult.Failed? Failure { get; set; }

        public UnreachableCause Cause => Failure?.Cause ?? UnreachableCause.NotTried;
        public string Reason => Failure?.Reason ?? "not tried yet";
    }
}

/// <summary>What the machine wants done.</summary>
public sealed record GateStep
{
    public ImmutableArray<GateTry> Begin { get; init; } = [];

    /// <summary>A line for the log, or null.</summary>
    public string? Say { get; init; }

    /// <summary>Set when the wait is over.</summary>
    public GateOpening? Opened { get; init; }

    /// <summary>When to step again if no try ends before, since the gate's start.</summary>
    public required TimeSpan WakeAt { get; init; }
}

/// <summary>One try of one worker.</summary>
/// <param name="Limit">How long it may take.</param>
public sealed record GateTry(string Host, ProbeMethod Method, TimeSpan Limit);
