using System.Collections.Immutable;
using System.Net;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Where the ClusterIP of one Service leads. Pure.</summary>
/// <param name="Backends">The addresses behind it, in order.</param>
/// <param name="Ports">Every port of the Service that somebody serves.</param>
/// <param name="Sticky">A caller stays with the backend that it has met first (<c>sessionAffinity: ClientIP</c>).</param>
internal sealed record ServiceRoute(ObjectKey Key, string Address, ImmutableArray<string> Backends, ImmutableArray<ServicePort> Ports, bool Sticky)
{
    /// <summary>The Service behind which the API server stands: the one whose backend may be this machine's own loopback address.</summary>
    private static readonly ObjectKey ApiServer = new("default", "kubernetes");

    /// <summary>
    /// Whether packets can go straight to the pods, which then have the ClusterIP as a further address of their own. Otherwise
    /// connections are forwarded: a port is another than its target, or a backend is no pod with a network of its own.
    /// </summary>
    public bool IsDirect(IReadOnlySet<string> pods) => Backends.All(pods.Contains) && Ports.All(static p => p.Targets.All(t => t.Port == p.Port));

    /// <summary>Null for a Service without a ClusterIP.</summary>
    /// <param name="slices">The EndpointSlices of all Services.</param>
    /// <param name="reachable">The addresses that somebody has now: those of a pod that is gone may stay in a slice for a moment.</param>
    public static ServiceRoute? Of(KubeObject service, IEnumerable<KubeObject> slices, IReadOnlySet<string> reachable)
    {
        if (service.Root.Text("spec", "clusterIP") is not { Length: > 0 } address || address == "None") return null;
        var targets = new Dictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        var backends = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var slice in slices.Where(s => s.Meta.Namespace == service.Meta.Namespace && s.Meta.Labels.GetValueOrDefault("kubernetes.io/service-name") == service.Meta.Name))
        {
            var ready = slice.Root.Items("endpoints").Where(static e => e.Flag("conditions", "ready") ?? true)
                .SelectMany(static e => e.Words("addresses")).Where(a => reachable.Contains(a) || IsApiServer(service, a)).ToList();
            backends.UnionWith(ready);
            foreach (var port in slice.Root.Items("ports"))
            {
                if (port.Integer("port") is not { } number) continue;
                var name = port.Text("name") ?? "";
                if (!targets.TryGetValue(name, out var known)) targets[name] = known = new SortedSet<string>(StringComparer.Ordinal);
                known.UnionWith(ready.Select(a => $"{a}:{number}"));
            }
        }

        var ports = service.Root.Items("spec", "ports")
            .Select(p => new ServicePort(p.Text("protocol") ?? "TCP", (int)(p.Integer("port") ?? 0), [.. targets.GetValueOrDefault(p.Text("name") ?? "", []).Select(IPEndPoint.Parse)]))
            .Where(static p => !p.Targets.IsEmpty);
        return new ServiceRoute(service.Meta.Key, address, [.. backends], [.. ports], service.Root.Text("spec", "sessionAffinity") == "ClientIP");
    }

    public bool Equals(ServiceRoute? other) =>
        other is not null && Key == other.Key && Address == other.Address && Sticky == other.Sticky && Backends.SequenceEqual(other.Backends) && Ports.SequenceEqual(other.Ports);

    public override int GetHashCode() => HashCode.Combine(Key, Address, Backends.Length, Ports.Length);

    /// <summary>No other Service may open what listens on this machine for this machine alone.</summary>
    private static bool IsApiServer(KubeObject service, string address) =>
        service.Meta.Key == ApiServer && IPAddress.TryParse(address, out var parsed) && IPAddress.IsLoopback(parsed);
}

/// <summary>A port of a Service and what serves it.</summary>
/// <param name="Protocol"><c>TCP</c>, <c>UDP</c> or <c>SCTP</c>.</param>
internal sealed record ServicePort(string Protocol, int Port, ImmutableArray<IPEndPoint> Targets)
{
    public bool Equals(ServicePort? other) => other is not null && Protocol == other.Protocol && Port == other.Port && Targets.SequenceEqual(other.Targets);

    public override int GetHashCode() => HashCode.Combine(Protocol, Port, Targets.Length);
}
