using System.Globalization;
using System.Text;
using Kube.Client;

namespace Kube.Nodes.Linux;

/// <summary>
/// Makes ClusterIPs lead to what is behind them. Where packets can go straight to pods, no process stands between: a backend has the
/// ClusterIP as a further address of its loopback interface, and the cluster's bridge routes it there, over several paths when there are
/// several backends. Other Services are forwarded (<see cref="ServiceForwarding"/>): the ClusterIP is then the node's own.
/// </summary>
internal sealed class ServiceRoutes(PodsLoop pods, WatchedObjects services, WatchedObjects slices, ClusterSandbox cluster, ServiceForwarding forwarding, TimeProvider time, Action<NodeNotice> report) : ILoop
{
    private readonly Signal _signal = new(time);
    private readonly Dictionary<string, Made> _made = new(StringComparer.Ordinal);
    private bool _stale;

    public string Name => "node-services";

    private sealed record Made(ServiceRoute Route, bool IsDirect);

    public void Changed()
    {
        _stale = true;
        _signal.Raise();
    }

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (!_stale) return false;
        _stale = false;
        var present = pods.Workers.Where(static w => w.Sandbox is { HostNetwork: false }).ToDictionary(static w => w.Address!, static w => w.Sandbox!, StringComparer.Ordinal);
        var addresses = present.Keys.ToHashSet(StringComparer.Ordinal);
        HashSet<string> reachable = [.. addresses, cluster.Network.Gateway.ToString()];
        var wanted = new Dictionary<string, Made>(StringComparer.Ordinal);
        foreach (var service in services.All)
        {
            if (ServiceRoute.Of(service, slices.All, reachable) is { } route) wanted[route.Address] = new Made(route, route.IsDirect(addresses));
        }

        var script = new StringBuilder();
        foreach (var (address, made) in _made) Unmake(script, address, made, wanted.GetValueOrDefault(address), present);
        foreach (var (address, next) in wanted) Make(script, address, next, _made.GetValueOrDefault(address), present);
        try
        {
            if (script.Length > 0) await cluster.RunAsync(script.ToString(), cancellation);
            await forwarding.SetAsync([.. wanted.Values.Where(static m => !m.IsDirect).Select(static m => m.Route)], cancellation);
        }
        catch (Exception failed) when (failed is SandboxException or System.Net.Sockets.SocketException)
        {
            report(new NodeNotice(IsWarning: true, $"routes of Services: {failed.Message}"));
        }

        _made.Clear();
        foreach (var (address, next) in wanted) _made[address] = next;
        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(null, cancellation);

    /// <summary>Takes away what the next state has no use for.</summary>
    private static void Unmake(StringBuilder script, string address, Made made, Made? next, Dictionary<string, PodSandbox> present)
    {
        if (made == next) return;
        if (!made.IsDirect)
        {
            if (next is not { IsDirect: false }) script.Append(CultureInfo.InvariantCulture, $"ip addr del {address}/32 dev lo 2>/dev/null || :\n");
            return;
        }

        foreach (var backend in made.Route.Backends)
        {
            if (next is { IsDirect: true } && next.Route.Backends.Contains(backend)) continue;
            // A backend that is gone has taken its addresses with it.
            if (present.TryGetValue(backend, out var pod)) script.Append(CultureInfo.InvariantCulture, $"nsenter --net={pod.Folder}/net ip addr del {address}/32 dev lo 2>/dev/null || :\n");
        }

        if (next is not { IsDirect: true }) script.Append(CultureInfo.InvariantCulture, $"ip route del {address}/32 2>/dev/null || ip route del unreachable {address}/32 2>/dev/null || :\n");
    }

    private static void Make(StringBuilder script, string address, Made next, Made? before, Dictionary<string, PodSandbox> present)
    {
        if (next == before) return;
        if (!next.IsDirect)
        {
            if (before is not { IsDirect: false }) script.Append(CultureInfo.InvariantCulture, $"ip addr replace {address}/32 dev lo\n");
            return;
        }

        var backends = next.Route.Backends;
        foreach (var backend in backends)
        {
            if (before is not { IsDirect: true } || !before.Route.Backends.Contains(backend)) script.Append(CultureInfo.InvariantCulture, $"nsenter --net={present[backend].Folder}/net ip addr replace {address}/32 dev lo\n");
        }

        // Without a backend refused at once rather than lost in the bridge.
        script.Append(backends.IsEmpty
            ? $"ip route replace unreachable {address}/32\n"
            : $"ip route replace {address}/32{(backends.Length == 1 ? $" via {backends[0]}" : string.Concat(backends.Select(static b => $" nexthop via {b}")))}\n");
    }
}
