using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>
/// One start of a job in virtual time: the gate's and the workers' own machines (<see cref="GateMachine"/>, <see cref="DialMachine"/>,
/// <see cref="LauncherFence"/>), with pods that come when they like, names that are not known yet, Services that nobody forwards and
/// workers that restart while they wait. Everything follows from the seed.
/// </summary>
internal sealed class SimulatedStart
{
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan DialLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(3);

    private readonly Random _random;
    private readonly PriorityQueue<Action, (TimeSpan At, int Order)> _events = new();
    private readonly List<Worker> _workers;
    private readonly GateMachine _gate;
    private readonly HashSet<string> _tries = [];
    private readonly bool _serviceForwards;
    private readonly TimeSpan _namesKnownAt;
    private TimeSpan _now;
    private int _order;
    private (Guid Instance, bool IsGate)? _listening;

    public SimulatedStart(int seed)
    {
        _random = new Random(seed);
        _workers = [.. Enumerable.Range(0, 1 + _random.Next(8)).Select(i => new Worker($"pi-worker-{i}"))];
        _gate = new GateMachine(_workers.Select(static w => w.Name), ProbeMethod.Greeting, new GatePace { Parallelism = _workers.Count }, _random);
        _serviceForwards = Chance(3, 4);
        var gateStarts = Seconds(Chance(1, 10) ? 300 : 20);
        // CoreDNS remembers for 30 s that there is no such name.
        _namesKnownAt = gateStarts + Seconds(35);
        AllRunAt = gateStarts;
        At(gateStarts, StartGate);
        foreach (var worker in _workers)
        {
            var starts = Chance(1, 20) ? TimeSpan.FromMinutes(10) : Seconds(60);
            if (starts > AllRunAt) AllRunAt = starts;
            At(starts, () => Boot(worker));
            if (Chance(1, 5)) At(starts + Seconds(30), () => Restart(worker));
        }
    }

    /// <summary>When the gate opened; null while it has not.</summary>
    public (TimeSpan At, GateOpening How)? Opened { get; private set; }

    /// <summary>From the launcher's first call to the last worker that had to be waited for.</summary>
    public TimeSpan? LongestCall { get; private set; }

    /// <summary>When the last pod came up for the first time.</summary>
    public TimeSpan AllRunAt { get; private set; }

    public void Run()
    {
        while (LongestCall is null && _events.TryDequeue(out var happens, out var when))
        {
            _now = when.At;
            if (_now > TimeSpan.FromHours(2)) return;
            happens();
        }
    }

    private void StartGate()
    {
        _listening = (Guid.NewGuid(), IsGate: true);
        StepGate(_now);
    }

    private void StepGate(TimeSpan started)
    {
        if (_listening is not { IsGate: true }) return;
        var step = _gate.Step(_now - started, allRun: _now > AllRunAt + TimeSpan.FromSeconds(40));
        if (step.Opened is { } how)
        {
            Opened = (_now, how);
            foreach (var worker in _workers) Disconnect(worker, Farewell.GateOpened);
            _listening = null;
            // The kubelet starts the next container; mpirun calls later still, and starts the process that listens.
            At(_now + Seconds(8), Call);
            return;
        }

        foreach (var one in step.Begin)
        {
            _tries.Add(one.Host);
            if (Find(one.Host).Connected) Prove(one.Host, started);
            else At(_now + DialLimit, () => EndTry(one.Host, new ProbeResult.Failed(UnreachableCause.NotDialled, "not yet"), started));
        }

        GateStarted = started;
        At(started + step.WakeAt, () => StepGate(started));
    }

    private TimeSpan GateStarted { get; set; }

    private void Prove(string host, TimeSpan started) => At(_now + RoundTrip, () =>
        EndTry(host, Find(host).Connected ? new ProbeResult.Reached() : new ProbeResult.Failed(UnreachableCause.Closed, "gone"), started));

    private void EndTry(string host, ProbeResult result, TimeSpan started)
    {
        if (_listening is not { IsGate: true } || !_tries.Remove(host)) return;
        _gate.Ended(host, result, _now - started);
        StepGate(started);
    }

    /// <summary>The first remote-shell call starts the launcher's process, and all calls wait for their workers.</summary>
    private void Call()
    {
        _listening = (Guid.NewGuid(), IsGate: false);
        CheckCalls(_now);
    }

    private void CheckCalls(TimeSpan began)
    {
        if (_workers.All(static w => w.Connected)) LongestCall = _now - began;
        else At(_now + TimeSpan.FromMilliseconds(1), () => CheckCalls(began));
    }

    private void Boot(Worker worker)
    {
        worker.Dial = new DialMachine(hasService: Chance(2, 3), new DialPace(), _random);
        worker.Fence = new LauncherFence();
        worker.Boots++;
        NextDial(worker);
    }

    private void Restart(Worker worker)
    {
        // Only while it waits: a worker lost later is the failure policy's.
        if (Opened is not null) return;
        worker.Boots++;
        Disconnect(worker, farewell: null);
        At(_now + Seconds(5), () => Boot(worker));
    }

    private void NextDial(Worker worker)
    {
        var (at, route) = worker.Dial!.Next;
        var boot = worker.Boots;
        At(at > _now ? at : _now, () =>
        {
            if (worker.Boots == boot) Dial(worker, route, boot);
        });
    }

    private void Dial(Worker worker, DialRoute route, int boot)
    {
        var leads = route == DialRoute.Service ? _serviceForwards : _now >= _namesKnownAt;
        var takes = leads ? RoundTrip + TimeSpan.FromMilliseconds(_random.Next(30)) : route == DialRoute.Service ? ConnectLimit : RoundTrip;
        At(_now + takes, () =>
        {
            if (worker.Boots != boot) return;
            if (leads && _listening is { } launcher && worker.Fence!.Admit(launcher.Instance))
            {
                worker.Connected = true;
                if (launcher.IsGate && _tries.Contains(worker.Name)) Prove(worker.Name, GateStarted);
                return;
            }

            worker.Dial!.Failed(_now, answered: leads);
            NextDial(worker);
        });
    }

    private void Disconnect(Worker worker, Farewell? farewell)
    {
        if (!worker.Connected) return;
        worker.Connected = false;
        if (farewell is null && _listening is { IsGate: true })
        {
            _gate.Lost(worker.Name, "restarted", _now - GateStarted);
            StepGate(GateStarted);
        }

        worker.Dial!.Ended(_now, farewell);
        if (farewell is not null) NextDial(worker);
    }

    private Worker Find(string name) => _workers.Single(w => w.Name == name);

    private void At(TimeSpan when, Action happens) => _events.Enqueue(happens, (when, _order++));

    private bool Chance(int times, int of) => _random.Next(of) < times;

    private TimeSpan Seconds(int most) => TimeSpan.FromMilliseconds(_random.Next(most * 1000));

    private sealed class Worker(string name)
    {
        public string Name { get; } = name;
        public int Boots { get; set; }
        public bool Connected { get; set; }
        public DialMachine? Dial { get; set; }
        public LauncherFence? Fence { get; set; }
    }
}
