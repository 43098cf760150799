using System.Globalization;
using System.Text;
using System.Text.Json;
using Kube.Client;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// Makes ClusterIPs lead to the pods behind them, without a proxy process: a backend has the ClusterIP as a further address of its
/// loopback interface, and the cluster's bridge routes it there, over several paths when there are several backends. Where a Service's
/// port differs from its target port, the backend's own network redirects one to the other, which takes <c>nft</c> or <c>iptables</c>.
/// </summary>
internal sealed class ServiceRoutes(PodsLoop pods, WatchedObjects services, WatchedObjects slices, ClusterSandbox cluster, TimeProvider time, Action<NodeNotice> report) : ILoop
{
    private readonly Signal _signal = new(time);
    private readonly Dictionary<string, ServiceRoute> _made = new(StringComparer.Ordinal);
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);
    private bool _stale;

    public string Name => "node-services";

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
        var wanted = services.All.Select(s => ServiceRoute.Of(s, slices.All, present.Keys.ToHashSet(StringComparer.Ordinal))).OfType<ServiceRoute>().ToDictionary(static r => r.Address, StringComparer.Ordinal);
        var script = new StringBuilder();
        foreach (var (address, made) in _made)
        {
            if (wanted.GetValueOrDefault(address) != made) Unmake(script, made, wanted.GetValueOrDefault(address), present);
        }

        foreach (var (address, route) in wanted)
        {
            if (_made.GetValueOrDefault(address) != route) Make(script, route, _made.GetValueOrDefault(address), present);
        }

        if (script.Length == 0) return true;
        _made.Clear();
        foreach (var (address, route) in wanted) _made[address] = route;
        try
        {
            await cluster.RunAsync(script.ToString(), cancellation);
        }
        catch (SandboxException failed)
        {
            report(new NodeNotice(IsWarning: true, $"routes of Services: {failed.Message}"));
        }

        return true;
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => _signal.WaitAsync(null, cancellation);

    private static void Unmake(StringBuilder script, ServiceRoute made, ServiceRoute? next, Dictionary<string, PodSandbox> present)
    {
        foreach (var backend in made.Backends)
        {
            if (next is not null && next.Backends.Contains(backend) && next.Redirects == made.Redirects) continue;
            // A backend that is gone has taken its addresses with it.
            if (present.TryGetValue(backend, out var pod)) script.Append(CultureInfo.InvariantCulture, $"nsenter --net={pod.Folder}/net ip addr del {made.Address}/32 dev lo 2>/dev/null || :\n");
        }

        if (next is null) script.Append(CultureInfo.InvariantCulture, $"ip route del {made.Address}/32 2>/dev/null || :\n");
    }

    private void Make(StringBuilder script, ServiceRoute route, ServiceRoute? before, Dictionary<string, PodSandbox> present)
    {
        foreach (var backend in route.Backends)
        {
            if (before is not null && before.Backends.Contains(backend) && before.Redirects == route.Redirects) continue;
            var enter = $"nsenter --net={present[backend].Folder}/net";
            script.Append(CultureInfo.InvariantCulture, $"{enter} ip addr replace {route.Address}/32 dev lo\n");
            if (route.Redirects.Length > 0) Redirect(script, enter, route);
        }

        if (route.Backends.Count == 0)
        {
            // Refused at once rather than lost in the bridge.
            script.Append(CultureInfo.InvariantCulture, $"ip route replace unreachable {route.Address}/32\n");
            return;
        }

        var hops = route.Backends.Count == 1 ? $" via {route.Backends.Single()}" : string.Concat(route.Backends.Select(static b => $" nexthop via {b}"));
        script.Append(CultureInfo.InvariantCulture, $"ip route replace {route.Address}/32{hops}\n");
    }

    private void Redirect(StringBuilder script, string enter, ServiceRoute route)
    {
        foreach (var redirect in route.Redirects.Split(','))
        {
            // tcp:80:8080
            var parts = redirect.Split(':');
            if (Tool.Find("nft") is not null)
            {
                script.Append(CultureInfo.InvariantCulture, $"""
                    {enter} nft -f - <<'END'
                    table ip services
                    add chain ip services in {"{"} type nat hook prerouting priority -100 ; {"}"}
                    add chain ip services out {"{"} type nat hook output priority -100 ; {"}"}
                    add rule ip services in ip daddr {route.Address} {parts[0]} dport {parts[1]} redirect to :{parts[2]}
                    add rule ip services out ip daddr {route.Address} {parts[0]} dport {parts[1]} redirect to :{parts[2]}
                    END

                    """);
            }
            else if (Tool.Find("iptables") is not null)
            {
                foreach (var chain in (ReadOnlySpan<string>)["PREROUTING", "OUTPUT"])
                {
                    script.Append(CultureInfo.InvariantCulture, $"{enter} iptables -t nat -A {chain} -d {route.Address} -p {parts[0]} --dport {parts[1]} -j REDIRECT --to-ports {parts[2]}\n");
                }
            }
            else if (_said.Add(route.Address))
            {
                report(new NodeNotice(IsWarning: true, $"Service {route.Key}: its port {parts[1]} differs from its target port {parts[2]}, which takes nft or iptables here; install one (apt-get install nftables) or make them equal"));
            }
        }
    }
}

/// <summary>Where one ClusterIP leads.</summary>
/// <param name="Redirects">Such as <c>tcp:80:8080,tcp:443:8443</c>; empty when every port is its own target.</param>
internal sealed record ServiceRoute(ObjectKey Key, string Address, SortedSet<string> Backends, string Redirects)
{
    /// <summary>Null for a Service without a ClusterIP.</summary>
    /// <param name="present">The addresses of the pods that have a network now.</param>
    public static ServiceRoute? Of(KubeObject service, IEnumerable<KubeObject> slices, IReadOnlySet<string> present)
    {
        if (service.Root.Text("spec", "clusterIP") is not { Length: > 0 } address || address == "None") return null;
        var backends = new SortedSet<string>(StringComparer.Ordinal);
        var redirects = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var slice in slices.Where(s => s.Meta.Namespace == service.Meta.Namespace && s.Meta.Labels.GetValueOrDefault("kubernetes.io/service-name") == service.Meta.Name))
        {
            foreach (var endpoint in slice.Root.Items("endpoints").Where(static e => e.Flag("conditions", "ready") ?? true))
            {
                foreach (var backend in endpoint.Items("addresses").Where(static a => a.ValueKind == JsonValueKind.String).Select(static a => a.GetString()!)) if (present.Contains(backend)) backends.Add(backend);
            }

            foreach (var port in slice.Root.Items("ports"))
            {
                var target = port.Integer("port");
                var own = service.Root.Items("spec", "ports").FirstOrDefault(p => (p.Text("name") ?? "") == (port.Text("name") ?? "")).Integer("port");
                if (own is not null && target is not null && own != target) redirects.Add(string.Create(CultureInfo.InvariantCulture, $"{(port.Text("protocol") ?? "TCP").ToLowerInvariant()}:{own}:{target}"));
            }
        }

        return new ServiceRoute(service.Meta.Key, address, backends, string.Join(',', redirects));
    }

    public bool Equals(ServiceRoute? other) => other is not null && Key == other.Key && Address == other.Address && Redirects == other.Redirects && Backends.SetEquals(other.Backends);

    public override int GetHashCode() => HashCode.Combine(Address, Redirects, Backends.Count);
}
