using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Kube.Nodes.Linux;

/// <summary>The listeners of the Services whose connections are forwarded: one for each of their TCP ports, at the ClusterIP.</summary>
internal sealed class ServiceForwarding(ClusterSockets sockets, Action<NodeNotice> report) : IAsyncDisposable
{
    private readonly Dictionary<(string Address, int Port), Listener> _listeners = [];
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);

    /// <summary>Makes listeners and targets those of these routes; connections that are under way stay as they are.</summary>
    /// <param name="routes">Their addresses are the node's.</param>
    public async Task SetAsync(IReadOnlyCollection<ServiceRoute> routes, CancellationToken cancellation)
    {
        var wanted = new Dictionary<(string, int), (ServiceRoute Route, ServicePort Port)>();
        foreach (var route in routes)
        {
            foreach (var port in route.Ports)
            {
                if (port.Protocol == "TCP") wanted[(route.Address, port.Port)] = (route, port);
                else if (_said.Add($"{route.Key}:{port.Port}")) report(new NodeNotice(IsWarning: true, $"Service {route.Key}: {port.Protocol} cannot be forwarded here; make port {port.Port} equal to its target port"));
            }
        }

        foreach (var gone in _listeners.Keys.Where(k => !wanted.ContainsKey(k)).ToList())
        {
            _listeners.Remove(gone, out var listener);
            await listener!.Forwarder.DisposeAsync();
        }

        foreach (var (key, (route, port)) in wanted)
        {
            if (!_listeners.TryGetValue(key, out var listener)) _listeners[key] = listener = await ListenAsync(key.Item1, key.Item2, cancellation);
            (listener.Backends.Targets, listener.Backends.Sticky) = (port.Targets, route.Sticky);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners.Values) await listener.Forwarder.DisposeAsync();
        _listeners.Clear();
    }

    private async Task<Listener> ListenAsync(string address, int port, CancellationToken cancellation)
    {
        var backends = new Backends(sockets);
        return new Listener(new Forwarder(await sockets.ListenAsync(new IPEndPoint(IPAddress.Parse(address), port), cancellation), backends.ConnectAsync), backends);
    }

    private sealed record Listener(Forwarder Forwarder, Backends Backends);

    /// <summary>Takes the backends in turn, and the next one when one does not answer.</summary>
    private sealed class Backends(ClusterSockets sockets)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
        private uint _next;

        public ImmutableArray<IPEndPoint> Targets { get; set; } = [];

        public bool Sticky { get; set; }

        public async Task<Socket?> ConnectAsync(EndPoint? caller, CancellationToken cancellation)
        {
            var targets = Targets;
            var first = Sticky && caller is IPEndPoint { Address: var address } ? (uint)address.GetHashCode() : Interlocked.Increment(ref _next);
            for (var i = 0u; i < targets.Length; i++)
            {
                var target = targets[(int)((first + i) % (uint)targets.Length)];
                using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                late.CancelAfter(Patience);
                try
                {
                    return await ReachAsync(target, late.Token);
                }
                catch (Exception silent) when (silent is SocketException || (silent is OperationCanceledException && !cancellation.IsCancellationRequested))
                {
                    // The next one may answer.
                }
            }

            return null;
        }

        /// <summary>The API server listens on this machine's loopback address, in no network of the cluster's.</summary>
        private async Task<Socket> ReachAsync(IPEndPoint target, CancellationToken cancellation)
        {
            if (!IPAddress.IsLoopback(target.Address)) return await sockets.ConnectAsync(target, cancellation);
            var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(target, cancellation);
                return socket;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}
