using System.Collections.Immutable;
using System.Net;
using Kube.Testing;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;
using Mpi.Agent.Testing;

namespace Mpi.Agent.Tests;

/// <summary>
/// One start of a job in virtual time, from its first pod to the end of mpirun's calls: the agent's own gate, launcher and workers, each with
/// its own protocol, over a network in memory. Pods come when they like, names are not known yet, nothing forwards the Service, workers
/// restart or lose their node while they wait, connections break and strangers knock. Everything follows from the seed.
/// </summary>
internal sealed class SimulatedStart
{
    private const int Port = AgentContract.DefaultPort;

    /// <summary>Far more than the slowest start may take; what is not over by then never is.</summary>
    private static readonly TimeSpan AtMost = TimeSpan.FromHours(2);

    private readonly Random _random;
    private readonly OneThread _thread;
    private readonly VirtualClock _clock = new();
    private readonly MemoryNetwork _network;
    private readonly ImmutableArray<Worker> _workers;
    private readonly Handshake _handshake;
    private readonly CancellationTokenSource _over = new();
    private readonly TimeSpan _gateStarts;
    private readonly bool _hasService;
    private readonly DateTimeOffset _begin;
    private readonly Queue<string> _story = new();
    private TimeSpan? _calledAt;

    public SimulatedStart(int seed)
    {
        _random = new Random(seed);
        _thread = new OneThread(_clock, new Random(_random.Next()));
        _begin = _clock.GetUtcNow();
        _gateStarts = Seconds(Chance(1, 10) ? 300 : 20);
        _hasService = Chance(2, 3);
        var packets = new Random(_random.Next());
        var map = new OneLauncherMap(_clock)
        {
            ServiceForwards = Chance(3, 4),
            // CoreDNS remembers for 30 s that there is no such name.
            NamesKnownAt = _begin + _gateStarts + Seconds(35),
        };
        _network = new MemoryNetwork(_thread, _clock, packets, map) { Slowness = TimeSpan.FromMilliseconds(Chance(1, 10) ? 400 : 30) };
        _handshake = new Handshake(new NoProof(), _clock, LivenessPace.Default);
        _workers = [.. Enumerable.Range(0, 1 + _random.Next(8)).Select(i => new Worker($"pi-worker-{i}", Chance(1, 20) ? TimeSpan.FromMinutes(10) : Seconds(60)))];
        AllRunAt = _workers.Select(static w => w.Starts).Append(_gateStarts).Max();
    }

    /// <summary>When the last pod came up for the first time.</summary>
    public TimeSpan AllRunAt { get; private set; }

    /// <summary>When the gate opened, and what it found.</summary>
    public (TimeSpan At, GateReport Report)? Opened { get; private set; }

    /// <summary>Workers that were away when the gate opened, and had been for longer than anybody needs to notice.</summary>
    public ImmutableArray<string> AwayAtOpening { get; private set; } = [];

    /// <summary>What mpirun's calls ended with: each that failed makes mpirun fail, and the launcher's container with it.</summary>
    public List<string> FailedCalls { get; } = [];

    /// <summary>From the launcher's first call until every worker had its daemon.</summary>
    public TimeSpan CallsTook => _workers.Max(static w => w.StartedAt) - _calledAt ?? TimeSpan.MaxValue;

    /// <summary>Daemons that were started, on any worker.</summary>
    public int Started => _workers.Sum(static w => w.Started);

    public int Workers => _workers.Length;

    /// <summary>Restarts, lost nodes and broken connections that happened.</summary>
    public int Mishaps { get; private set; }

    /// <summary>What happened, the last of it.</summary>
    public string Story => string.Join('\n', _story);

    private TimeSpan Now => _clock.GetUtcNow() - _begin;

    public void Run() => _thread.Run(RunAsync, AtMost);

    private async Task RunAsync()
    {
        Task[] others = [.. _workers.Select(WorkerPodAsync), KnockAsync(), .. _workers.Select(MishapsAsync)];
        await LauncherPodAsync();
        _over.End();
        await Task.WhenAll(others).WithoutThrowing();
        foreach (var other in others.Where(static o => o.IsFaulted)) await other;
    }

    private async Task LauncherPodAsync()
    {
        await Task.Delay(_gateStarts, _clock, CancellationToken.None);
        var agent = Agent(OneLauncherMap.Launcher);
        using (var listener = Listen(agent, AgentRole.Gate))
        {
            var gate = new AgentGate(listener, [.. _workers.Select(static w => $"{w.Name}.pi.default.svc")], new GatePace(), agent);
            // The kubelet brings the operator's notice within a minute or so.
            var report = await gate.WaitAsync(() => Now > AllRunAt + TimeSpan.FromSeconds(40), CancellationToken.None);
            Opened = (Now, report);
            AwayAtOpening = [.. _workers.Where(w => w.Life is null && Now > w.NoticedBy).Select(static w => w.Name)];
        }

        // The kubelet starts the main container; mpirun calls later still, and its first call starts the process that listens.
        await Task.Delay(Seconds(8), _clock, CancellationToken.None);
        Tell("mpirun calls");
        _calledAt = Now;
        await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(10, 100)), _clock, CancellationToken.None);
        using var workers = Listen(agent, AgentRole.Launcher);
        using var launcher = new LauncherRole(workers, new LauncherFiles("/nowhere"), lost => FailedCalls.Add($"{lost.Host} was lost: {lost.Reason}"), _clock);
        using var ends = new CancellationTokenSource();
        var serving = launcher.ServeWorkersAsync(ends.Token);
        var calls = await Task.WhenAll(_workers.Select(worker => StubCall.RunAsync(_network, OneLauncherMap.Launcher, launcher, worker.Name, ["orted"], ends.Token)));
        FailedCalls.AddRange(calls.OfType<string>());
        ends.End();
        await serving.WithoutThrowing();
    }

    /// <summary>A worker's container, and every time that it starts again.</summary>
    private async Task WorkerPodAsync(Worker worker)
    {
        await Task.Delay(worker.Starts, _clock, _over.Token);
        while (true)
        {
            using var life = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
            worker.Life = life;
            Tell($"{worker.Name} starts");
            var options = new WorkerOptions { Name = worker.Name, Service = _hasService ? OneLauncherMap.Service : null, Launcher = "pi-launcher.pi.default.svc", Port = Port };
            var serving = new WorkerRole(options, _handshake, _network.Names, Daemons(worker), Agent(worker.Name)).ServeAsync(life.Token);
            await serving.WithoutThrowing();
            if (serving.IsFaulted) await serving;
            worker.Life = null;
            // A container that ended before is held back for longer.
            await Task.Delay(Seconds(Chance(1, 3) ? 40 : 5), _clock, _over.Token);
        }
    }

    /// <summary>What befalls a worker while it waits. Once it was called for, its loss is the failure policy's.</summary>
    private async Task MishapsAsync(Worker worker)
    {
        while (Chance(1, 4))
        {
            await Task.Delay(worker.Starts + Seconds(40), _clock, _over.Token);
            if (_calledAt is not null) return;
            Mishaps++;
            switch (_random.Next(3))
            {
                case 0:
                    Tell($"{worker.Name}: its connections break");
                    _network.Cut(worker.Name, silently: false);
                    break;
                case 1:
                    Tell($"{worker.Name}: its container restarts");
                    worker.NoticedBy = Now + TimeSpan.FromSeconds(1);
                    worker.Life?.End();
                    break;
                default:
                    Tell($"{worker.Name}: its node is lost, and it comes up on another");
                    worker.NoticedBy = Now + LivenessPace.Default.LostAfter + TimeSpan.FromSeconds(1);
                    _network.Cut(worker.Name, silently: true);
                    worker.Life?.End();
                    break;
            }
        }
    }

    private async Task KnockAsync()
    {
        while (Chance(1, 2))
        {
            await Task.Delay(_gateStarts + Seconds(60), _clock, _over.Token);
            await Stranger.KnockAsync(_network, new IPEndPoint(OneLauncherMap.Address, Port), _random, _over.Token);
        }
    }

    private StubDaemons Daemons(Worker worker) => new(_clock, request =>
    {
        worker.Started++;
        worker.StartedAt = Now;
        Tell($"{worker.Name} runs {request.Words[0]}");
        return Seconds(3);
    });

    private WorkerListener Listen(AgentEnvironment agent, AgentRole role) => new(agent.Network.Listen(Port), _handshake, new Hello(role, "pi-launcher", Guid.NewGuid()), _clock);

    private AgentEnvironment Agent(string pod) => SimulatedProcess.Environment(_clock, new Random(_random.Next()), _network.Of(pod), line => Tell($"{pod}: {line}"));

    private void Tell(string what)
    {
        _story.Enqueue($"{Now:mm\\:ss\\.fff} {what}");
        if (_story.Count > 100) _story.Dequeue();
    }

    private bool Chance(int times, int of) => _random.Next(of) < times;

    private TimeSpan Seconds(int most) => TimeSpan.FromMilliseconds(_random.Next(most * 1000));

    private sealed class Worker(string name, TimeSpan starts)
    {
        public string Name => name;
        public TimeSpan Starts => starts;
        public int Started { get; set; }
        public TimeSpan? StartedAt { get; set; }

        /// <summary>When even the slowest has noticed that it is away.</summary>
        public TimeSpan NoticedBy { get; set; }

        /// <summary>Null while it does not run.</summary>
        public CancellationTokenSource? Life { get; set; }
    }
}
