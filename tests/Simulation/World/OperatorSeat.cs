using System.Collections.Immutable;
using System.Net;
using System.Text;
using Kube.ApiServer;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Operator;
using Mpi.Planning;
using Mpi.Testing;
using ApiRequest = Kube.Testing.ApiRequest;

namespace Simulation;

/// <summary>
/// Where an operator sits: the faults of its traffic, its crashes, and its next incarnation, which starts with nothing in
/// memory. What a dead one still tries to send never arrives.
/// </summary>
public sealed class OperatorSeat(SimulatedCluster world, SimulationOptions options, OperatorTraffic traffic, Random random) : IAsyncDisposable
{
    private static readonly LeaseOptions Lease = new();

    private Incarnation? _sitting;
    private string _last = "nobody";

    private sealed record Incarnation(string Identity, OperatorProcess Process, KubeClient Client, ImmutableArray<OperatorLoop> Loops)
    {
        public bool Dead { get; set; }

        /// <summary>The write or lease request under way, until it is answered.</summary>
        public (int Write, DateTimeOffset Begun) Asked { get; set; }
    }

    /// <inheritdoc cref="OperatorTraffic.Writes"/>
    public int Writes => traffic.Writes.Count;

    public IReadOnlyList<string> WritesSeen => traffic.Writes;

    /// <inheritdoc cref="OperatorTraffic.Asked"/>
    public IReadOnlySet<Right> Asked => traffic.Asked;

    /// <inheritdoc cref="OperatorTraffic.Forbidden"/>
    public IReadOnlyList<string> Forbidden => traffic.Forbidden;

    /// <inheritdoc cref="OperatorTraffic.Gets"/>
    public int Gets => traffic.Gets;

    public int Crashes { get; private set; }

    /// <summary>Its machine's clock.</summary>
    public SkewedClock Clock { get; } = new(world.Clock);

    /// <summary>What all incarnations logged.</summary>
    internal NotedLog Log { get; } = new(world.Stepper);

    public OperatorProcess? Process => _sitting?.Process;

    /// <inheritdoc cref="OperatorTraffic.Events"/>
    public int Events(string resource) => traffic.Events(resource);

    public override string ToString() => $"{_last}: {(_sitting is null ? "away" : _sitting.Process.Elector?.State.ToString() ?? "alone")}";

    public void Start()
    {
        var identity = _last = $"operator-{traffic.NextIncarnation()}";
        Incarnation? self = null;
        var handler = new FaultInjectingHandler(new Preconditions(new InProcessHandler(world.Server), world.Report), world.Clock)
        {
            Lists = options.Faults.OnRead is null ? null : traffic.Lists,
            OnRequest = request => Judge(request, self!),
            Answered = (request, status) => Answered(request, status, self!),
            OnWatchEvent = (request, line) => JudgeEvent(request, line, self!),
        };
        var client = new KubeClient(handler, InProcessHandler.BaseAddress, new KubeClientOptions(Timeout.InfiniteTimeSpan, "operator"), world.Clock);
        var process = new OperatorProcess(
            new OperatorOptions { LeaderElection = options.LeaderElection, Threadiness = 1, Planning = options.Planning },
            options.Build(new OperatorParts
            {
                Client = client,
                Dialects = options.Dialects,
                Keys = new SameKeys(),
                Time = Clock,
                Random = new Random(random.Next()),
                Identity = identity,
                Loggers = Log,
            }));
        self = new Incarnation(identity, process, client, [.. process.Loops.Select(loop => new OperatorLoop((ITimedLoop)loop, identity, Clock))]);
        _sitting = self;
        world.Stepper.Add(self.Loops);
        world.Tell(identity, "starts");
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
        world.Tell(dead.Identity, "is dead");
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
        var now = world.Clock.GetUtcNow();
        traffic.Ask(Right.Needed(request));
        if (request.Resource.Split('/')[0] != options.AlsoGranted?.Plural && !options.Rights.Allow(request))
        {
            traffic.Forbid(request);
            return new Fault.Refuse(new ApiStatus(403, ApiReason.Forbidden, $"the operator's manifests give it no right to {request}"));
        }

        self.Asked = (0, now);
        if (request.Resource == "leases") return Told(request, self, options.Faults.OnLease(now));
        if (!request.IsWrite)
        {
            traffic.CountRead(request.Verb == "get");
            return Told(request, self, options.Faults.OnRead?.Invoke(traffic.Reads + traffic.Gets, request));
        }

        if (options.LeaderElection && !traffic.MayWrite(self.Identity, now, Lease.RetryPeriod + Lease.RenewDeadline)) world.Report(new ViolationException("Fence", $"{self.Identity} began {request} without the lease"));
        var number = traffic.CountWrite(now, request);
        self.Asked = (number, now);
        world.Tell(self.Identity, $"write {number}: {request}");
        if (options.Faults.CrashBefore.Contains(number))
        {
            self.Dead = true;
            world.Tell(self.Identity, "dies before it is sent");
            return Dead();
        }

        if (options.Faults.CrashAfter.Contains(number))
        {
            self.Dead = true;
            world.Tell(self.Identity, "dies before the answer comes");
            return new Fault.LoseAnswer(new HttpRequestException("the operator died before the answer came"));
        }

        return Told(request, self, options.Faults.OnWrite(number, request));
    }

    private Fault? Told(ApiRequest request, Incarnation self, Fault? fault)
    {
        if (fault is not null) world.Tell(self.Identity, $"{request} meets {Describe(fault)}");
        return fault;
    }

    private static string Describe(Fault fault) => fault switch
    {
        Fault.Refuse refused => $"{refused.Status.Code} {refused.Status.Message}",
        Fault.Lose => "a lost connection",
        Fault.LoseAnswer => "no answer, though it is done",
        _ => "an outdated answer",
    };

    private void Answered(ApiRequest request, HttpStatusCode status, Incarnation self)
    {
        if ((int)status >= 300) return;
        if (request is { Resource: "leases", IsWrite: true }) traffic.Renewed(self.Identity, self.Asked.Begun);
        else if (request.IsWrite) world.Landed(self.Identity, self.Asked.Write);
    }

    private WatchFault? JudgeEvent(ApiRequest request, ReadOnlyMemory<byte> line, Incarnation self)
    {
        if (self.Dead) return new WatchFault.Cut();
        if (line.Span.IndexOf("\"BOOKMARK\""u8) >= 0) return null;
        var number = traffic.CountEvent(request.Resource);
        var fault = options.Faults.OnEvent(request.Resource, number);
        if (fault is not null) world.Tell(self.Identity, $"event {number} of {request.Resource}: {fault}");
        return fault;
    }

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
