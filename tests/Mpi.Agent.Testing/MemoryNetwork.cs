using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Kube.Testing;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Testing;

/// <summary>
/// The network between pods, in memory and virtual time: every packet takes its time, in order within a connection. Pods are known by a word
/// each; who is behind an address or a name is the map's to say.
/// </summary>
internal sealed class MemoryNetwork(OneThread thread, VirtualClock clock, Random random, INetworkMap map)
{
    private readonly List<MemoryEnd> _ends = [];
    private readonly Dictionary<string, Listening> _listening = new(StringComparer.Ordinal);
    private readonly HashSet<string> _cutOff = new(StringComparer.Ordinal);

    /// <summary>The longest that a packet takes.</summary>
    public TimeSpan Slowness { get; init; } = TimeSpan.FromMilliseconds(30);

    /// <summary>The network as one process sees it; what it connects can be cut as one.</summary>
    public IAgentNetwork Of(string pod) => new Pod(this, pod);

    public INameResolver Names => new Dns(this);

    /// <summary>The address under which others reach a pod.</summary>
    public IPAddress AddressOf(string pod) => map.AddressOf(pod);

    /// <summary>A pod's connections to others break. Its peers hear of it, or, where its node went with it, nothing any more.</summary>
    public void Cut(string pod, bool silently)
    {
        foreach (var end in _ends.FindAll(end => end.Pod == pod && end.Peer.Pod != pod)) end.Cut(silently);
    }

    /// <summary>A pod's process is no more: its kernel closes what it had open.</summary>
    public void Close(string pod)
    {
        if (_listening.TryGetValue(pod, out var listening)) listening.Dispose();
        foreach (var end in _ends.FindAll(end => end.Pod == pod)) end.Cut(silently: false);
    }

    /// <summary>No packet to or from a pod arrives, until it is joined again. Connections that it had stay silent.</summary>
    public void CutOff(string pod)
    {
        _cutOff.Add(pod);
        Cut(pod, silently: true);
    }

    public void Join(string pod) => _cutOff.Remove(pod);

    /// <summary>A connection that stands.</summary>
    public (MemoryEnd One, MemoryEnd Other) Connect(string one, string other)
    {
        _ends.RemoveAll(static end => end.IsOver);
        var (here, there) = (new MemoryEnd(this, one), new MemoryEnd(this, other));
        (here.Peer, there.Peer) = (there, here);
        _ends.AddRange([here, there]);
        if (one != other && (_cutOff.Contains(one) || _cutOff.Contains(other))) here.Cut(silently: true);
        return (here, there);
    }

    internal TimeSpan Delay() => TimeSpan.FromMicroseconds(200) + (Slowness * random.NextDouble());

    internal void Later(TimeSpan delay, Action happens) => clock.CreateTimer(static state => ((Action)state!)(), happens, delay, Timeout.InfiniteTimeSpan);

    internal DateTimeOffset Now => clock.GetUtcNow();

    internal void Check() => thread.Check();

    private VirtualClock Clock => clock;

    private sealed class Pod(MemoryNetwork network, string pod) : IAgentNetwork
    {
        public async Task<Stream> ConnectAsync(IPEndPoint to, CancellationToken cancellation)
        {
            network.Check();
            if (network._cutOff.Contains(pod) || network.PodAt(to.Address) is not { } other || network._cutOff.Contains(other)) await Task.Delay(Timeout.InfiniteTimeSpan, network.Clock, cancellation);
            await Task.Delay(network.Delay() + network.Delay(), network.Clock, cancellation);
            if (network.PodAt(to.Address) is not { } there || !network._listening.TryGetValue(there, out var listening)) throw new SocketException((int)SocketError.ConnectionRefused);
            var (here, accepted) = network.Connect(pod, there);
            listening.Arrive(accepted);
            return here;
        }

        public IListening Listen(int port)
        {
            network.Check();
            return network._listening.ContainsKey(pod) ? throw new IOException($"no listening on port {port}: taken") : network._listening[pod] = new Listening(network, pod, port);
        }
    }

    private string? PodAt(IPAddress address) => map.PodAt(address);

    private sealed class Listening(MemoryNetwork network, string pod, int port) : IListening
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
                if (_arrived.TryDequeue(out var connection)) return new Accepted(connection, network.AddressOf(pod));
                _waiting = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                await _waiting.OrCancelledAsync(cancellation);
            }
        }

        public void Dispose()
        {
            if (network._listening.GetValueOrDefault(pod) == this) network._listening.Remove(pod);
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
            return network.Resolve(host);
        }
    }

    private ImmutableArray<IPAddress> Resolve(string host) => map.Resolve(host);
}

/// <summary>Who is behind the addresses and names of a network just now.</summary>
internal interface INetworkMap
{
    /// <summary>The pod that packets to an address come to; null where they vanish.</summary>
    string? PodAt(IPAddress address);

    IPAddress AddressOf(string pod);

    /// <summary>What DNS says; nothing for a name that it does not know.</summary>
    ImmutableArray<IPAddress> Resolve(string host);
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
