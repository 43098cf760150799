using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Kube.Testing;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>
/// The network between the pods of one job, in memory and virtual time: every packet takes its time, in order within a connection; the
/// launcher's port is reached through the job's Service or under the pod's own name.
/// </summary>
internal sealed class MemoryNetwork(OneThread thread, VirtualClock clock, Random random)
{
    public static readonly IPAddress Service = IPAddress.Parse("10.96.0.9");
    public static readonly IPAddress Launcher = IPAddress.Parse("10.244.0.7");

    private readonly List<MemoryEnd> _ends = [];
    private Listening? _listening;

    /// <summary>Whether anything forwards the Service's address; else packets to it vanish.</summary>
    public bool ServiceForwards { get; init; } = true;

    /// <summary>Until then DNS says that there is no such name.</summary>
    public DateTimeOffset NamesKnownAt { get; init; }

    /// <summary>The longest that a packet takes.</summary>
    public TimeSpan Slowness { get; init; } = TimeSpan.FromMilliseconds(30);

    /// <summary>The network as one process sees it; what it connects can be cut as one.</summary>
    public IAgentNetwork Of(string pod) => new Pod(this, pod);

    public INameResolver Names => new Dns(this);

    /// <summary>A pod's connections break. Its peers hear of it, or, where its node went with it, nothing any more.</summary>
    public void Cut(string pod, bool silently)
    {
        foreach (var end in _ends.FindAll(end => end.Pod == pod)) end.Cut(silently);
    }

    /// <summary>A connection that stands.</summary>
    public (MemoryEnd One, MemoryEnd Other) Connect(string one, string other)
    {
        _ends.RemoveAll(static end => end.IsOver);
        var (here, there) = (new MemoryEnd(this, one), new MemoryEnd(this, other));
        (here.Peer, there.Peer) = (there, here);
        _ends.AddRange([here, there]);
        return (here, there);
    }

    internal TimeSpan Delay() => TimeSpan.FromMicroseconds(200) + (Slowness * random.NextDouble());

    internal void Later(TimeSpan delay, Action happens) => clock.CreateTimer(static state => ((Action)state!)(), happens, delay, Timeout.InfiniteTimeSpan);

    internal DateTimeOffset Now => clock.GetUtcNow();

    internal void Check() => thread.Check();

    private sealed class Pod(MemoryNetwork network, string pod) : IAgentNetwork
    {
        public async Task<Stream> ConnectAsync(IPEndPoint to, CancellationToken cancellation)
        {
            network.Check();
            if (to.Address.Equals(Service) && !network.ServiceForwards) await Task.Delay(Timeout.InfiniteTimeSpan, network.Clock, cancellation);
            await Task.Delay(network.Delay() + network.Delay(), network.Clock, cancellation);
            if (network._listening is not { } listening) throw new SocketException((int)SocketError.ConnectionRefused);
            var (here, there) = network.Connect(pod, "launcher");
            listening.Arrive(there);
            return here;
        }

        public IListening Listen(int port)
        {
            network.Check();
            return network._listening is null ? network._listening = new Listening(network, port) : throw new IOException($"no listening on port {port}: taken");
        }
    }

    private VirtualClock Clock => clock;

    private sealed class Listening(MemoryNetwork network, int port) : IListening
    {
        private readonly Queue<MemoryEnd> _arrived = new();
        private TaskCompletionSource<bool>? _waiting;

        public int Port => port;

        public void Arrive(MemoryEnd connection)
        {
            _arrived.Enqueue(connection);
            _waiting?.TrySetResult(true);
        }

        public async Task<Accepted> AcceptAsync(CancellationToken cancellation)
        {
            network.Check();
            while (true)
            {
                if (_arrived.TryDequeue(out var connection)) return new Accepted(connection, Launcher);
                _waiting = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                await _waiting.OrCancelledAsync(cancellation);
            }
        }

        public void Dispose()
        {
            if (ReferenceEquals(network._listening, this)) network._listening = null;
            // As the kernel does with those that nobody accepted.
            foreach (var connection in _arrived) connection.Cut(silently: false);
        }
    }

    private sealed class Dns(MemoryNetwork network) : INameResolver
    {
        public async Task<ImmutableArray<IPAddress>> ResolveAsync(string host, CancellationToken cancellation)
        {
            network.Check();
            await Task.Delay(network.Delay(), network.Clock, cancellation);
            return network.Now >= network.NamesKnownAt ? [Launcher] : [];
        }
    }
}

/// <summary>One end of a connection of <see cref="MemoryNetwork"/>.</summary>
internal sealed class MemoryEnd(MemoryNetwork network, string pod) : Stream
{
    private readonly Queue<ReadOnlyMemory<byte>> _arrived = new();
    private ReadOnlyMemory<byte> _rest;
    private TaskCompletionSource<bool>? _waiting;
    private DateTimeOffset _lastArrival;
    private State _state;

    /// <summary>What the other end hears of this one; <see cref="Closed"/> is this end's own doing.</summary>
    private enum State { Open, Ended, Broken, Silent, Closed }

    public string Pod => pod;

    public MemoryEnd Peer { get; set; } = null!;

    public bool IsOver => _state == State.Closed;

    public void Cut(bool silently)
    {
        if (silently)
        {
            // Neither hears anything of the other again.
            foreach (var end in (MemoryEnd[])[this, Peer]) end.Become(State.Silent);
            return;
        }

        Become(State.Broken);
        Deliver(Peer, () => Peer.Become(State.Broken));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            network.Check();
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_state == State.Closed, this);
            if (_rest.Length > 0 || _arrived.TryDequeue(out _rest))
            {
                var count = Math.Min(_rest.Length, buffer.Length);
                _rest[..count].CopyTo(buffer);
                _rest = _rest[count..];
                return count;
            }

            if (_state == State.Ended) return 0;
            if (_state == State.Broken) throw new IOException("Connection reset by peer");
            _waiting = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            await _waiting.OrCancelledAsync(cancellationToken);
        }
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        network.Check();
        ObjectDisposedException.ThrowIf(_state == State.Closed, this);
        if (_state is State.Ended or State.Broken) throw new IOException("Broken pipe");
        ReadOnlyMemory<byte> bytes = buffer.ToArray();
        Deliver(Peer, () => Peer.Arrive(bytes));
        return ValueTask.CompletedTask;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _state != State.Closed)
        {
            if (_state == State.Open) Deliver(Peer, () => Peer.Become(State.Ended));
            _state = State.Closed;
            _waiting?.TrySetResult(true);
        }

        base.Dispose(disposing);
    }

    private void Deliver(MemoryEnd to, Action arrive)
    {
        if (_state == State.Silent) return;
        // Nothing overtakes what was sent before it.
        var at = network.Now + network.Delay();
        if (at < to._lastArrival) at = to._lastArrival;
        to._lastArrival = at;
        network.Later(at - network.Now, arrive);
    }

    private void Arrive(ReadOnlyMemory<byte> bytes)
    {
        if (_state is State.Closed or State.Silent) return;
        _arrived.Enqueue(bytes);
        _waiting?.TrySetResult(true);
    }

    private void Become(State state)
    {
        if (_state is State.Closed or State.Silent) return;
        _state = state;
        _waiting?.TrySetResult(true);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
