using System.Collections.Immutable;
using System.Net;
using System.Text;
using Kube.ApiServer;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Dialects;
using Mpi.Operator;
using Mpi.Planning;
using ApiRequest = Kube.Testing.ApiRequest;

namespace Simulation;

/// <summary>
/// Where the operator sits: the faults of its traffic, its crashes, and its next incarnation, which starts with nothing in
/// memory. What a dead one still tries to send never arrives.
/// </summary>
public sealed class OperatorSeat(SimulatedCluster world, SimulationOptions options, Random random) : IAsyncDisposable
{
    private readonly Dictionary<string, int> _events = [];
    private readonly List<string> _writes = [];
    private readonly HashSet<Right> _asked = [];
    private readonly List<string> _forbidden = [];
    private Incarnation? _sitting;
    private int _incarnations;

    private sealed record Incarnation(OperatorProcess Process, KubeClient Client, List<Kube.Client.ILoop> Loops)
    {
        public bool Dead { get; set; }
    }

    /// <summary>Writes that were attempted so far, those of the election not counted.</summary>
    public int Writes => _writes.Count;

    public IReadOnlyList<string> WritesSeen => _writes;

    /// <summary>The rights that its requests needed so far.</summary>
    public IReadOnlySet<Right> Asked => _asked;

    /// <summary>Requests for which the manifests give it no right. They are refused, as a cluster would.</summary>
    public IReadOnlyList<string> Forbidden => _forbidden;

    /// <summary>Requests other than writes and watches: reads that a cache should have answered.</summary>
    public int Gets { get; private set; }

    public int Crashes { get; private set; }

    /// <summary>What all incarnations logged.</summary>
    internal NotedLog Log { get; } = new(world.Stepper);

    public OperatorProcess? Process => _sitting?.Process;

    public override string ToString() => $"operator {_incarnations}: {(_sitting is null ? "away" : _sitting.Process.Elector?.State.ToString() ?? "alone")}";

    public void Start()
    {
        var number = ++_incarnations;
        Incarnation? self = null;
        var handler = new FaultInjectingHandler(new InProcessHandler(world.Server), world.Clock)
        {
            OnRequest = request => Judge(request, self!),
            OnWatchEvent = (request, line) => JudgeEvent(request, line, self!),
        };
        var client = new KubeClient(handler, InProcessHandler.BaseAddress, new KubeClientOptions(Timeout.InfiniteTimeSpan, "operator"), world.Clock);
        var process = new OperatorProcess(
            new OperatorOptions { LeaderElection = options.LeaderElection, Threadiness = 1, Planning = options.Planning },
            new OperatorParts
            {
                Client = client,
                Dialects = options.Dialects,
                Keys = new SameKeys(),
                Time = world.Clock,
                Random = new Random(random.Next()),
                Identity = $"operator-{number}",
                Loggers = Log,
            });
        self = new Incarnation(process, client, [.. process.Loops]);
        _sitting = self;
        world.Stepper.Add(self.Loops);
        world.Stepper.Note($"operator {number} starts");
    }

    /// <summary>Ends the process as kill -9 does.</summary>
    public void Crash()
    {
        if (_sitting is { } sitting) sitting.Dead = true;
    }

    /// <summary>Takes a dead operator's loops out and seats the next one. Called between two steps.</summary>
    internal void BuryTheDead()
    {
        // A program whose operator has lost its lease ends, and is started anew.
        if (_sitting is { Process.Elector.State: LeaderState.Lost } lost) lost.Dead = true;
        if (_sitting is not { Dead: true } dead) return;
        _sitting = null;
        Crashes++;
        world.Stepper.Note($"operator {_incarnations} is dead");
        world.Stepper.Remove(dead.Loops);
        Bury(dead);
        world.Stepper.Add(new Successor(this, world, world.Clock.GetUtcNow() + options.RestartDelay));
    }

    public ValueTask DisposeAsync()
    {
        if (_sitting is { } sitting) Bury(sitting);
        _sitting = null;
        return ValueTask.CompletedTask;
    }

    private static void Bury(Incarnation dead)
    {
        // Its watches are closed as a dead process's sockets are.
        var closing = dead.Process.DisposeAsync();
        if (!closing.IsCompletedSuccessfully) throw new InvalidOperationException("closing the watches of an in-process server waits for something");
        dead.Client.Dispose();
    }

    private Fault? Judge(ApiRequest request, Incarnation self)
    {
        if (self.Dead) return Dead();
        _asked.Add(Right.Needed(request));
        if (request.Resource.Split('/')[0] != options.AlsoGranted?.Plural && !options.Rights.Allow(request))
        {
            _forbidden.Add(request.ToString());
            return new Fault.Refuse(new ApiStatus(403, ApiReason.Forbidden, $"the operator's manifests give it no right to {request}"));
        }

        if (request.Resource == "leases") return options.Faults.OnLease(world.Clock.GetUtcNow());
        if (!request.IsWrite)
        {
            if (request.Verb == "get") Gets++;
            return null;
        }

        if (self.Process.Elector is { } elector && !elector.MayWrite(out _)) throw new InvariantException($"{request} was begun without the lease");
        _writes.Add($"{world.Clock.GetUtcNow():HH:mm:ss.fff} {request}");
        world.Stepper.Note($"  write {_writes.Count}: {request}");
        if (options.Faults.CrashBefore.Contains(_writes.Count))
        {
            self.Dead = true;
            return Dead();
        }

        if (options.Faults.CrashAfter.Contains(_writes.Count))
        {
            self.Dead = true;
            return new Fault.LoseAnswer(new HttpRequestException("the operator died before the answer came"));
        }

        return options.Faults.OnWrite(_writes.Count, request);
    }

    private WatchFault? JudgeEvent(ApiRequest request, ReadOnlyMemory<byte> line, Incarnation self)
    {
        if (self.Dead) return new WatchFault.Cut();
        if (line.Span.IndexOf("\"BOOKMARK\""u8) >= 0) return null;
        var number = _events[request.Resource] = _events.GetValueOrDefault(request.Resource) + 1;
        return options.Faults.OnEvent(request.Resource, number);
    }

    /// <summary>How many events of a kind were sent so far.</summary>
    public int Events(string resource) => _events.GetValueOrDefault(resource);

    private static Fault.Lose Dead() => new(new HttpRequestException("the operator is dead"));

    /// <summary>Starts the next operator when the time has come, and is done.</summary>
    private sealed class Successor(OperatorSeat seat, SimulatedCluster world, DateTimeOffset due) : ITimedLoop
    {
        private readonly Signal _never = new(world.Clock);
        private bool _done;

        public string Name => "successor";
        public DateTimeOffset? NextDue => _done ? null : due;

        public ValueTask<bool> StepAsync(CancellationToken cancellation)
        {
            if (_done || world.Clock.GetUtcNow() < due) return new(false);
            _done = true;
            world.Stepper.Remove([this]);
            seat.Start();
            return new(true);
        }

        public ValueTask WaitAsync(CancellationToken cancellation) => _never.WaitAsync(_done ? null : due, cancellation);
    }

    /// <summary>What every Secret of a job begins with.</summary>
    public const string SecretWord = "for-the-pods-of-one-job-only";

    /// <summary>The same keys each time: runs must not differ by them.</summary>
    private sealed class SameKeys : IKeySource
    {
        public ImmutableArray<KeyValuePair<string, byte[]>> Create(KeyKind kind) =>
            [.. (kind == KeyKind.Ssh ? ["ssh-privatekey", "ssh-publickey"] : JobCertificates.Keys).Select(static name => KeyValuePair.Create(name, Encoding.ASCII.GetBytes($"{SecretWord} {name}")))];
    }
}
