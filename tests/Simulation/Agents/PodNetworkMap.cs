using System.Collections.Immutable;
using System.Net;
using Kube.Types;
using Mpi.Agent.Testing;

namespace Simulation;

/// <summary>The cluster's own network as its API describes it: a Service leads to the pods that it selects, and a headless one gives them their names.</summary>
internal sealed class PodNetworkMap(AgentPods pods, SimulatedCluster world, Random random) : INetworkMap
{
    /// <summary>Behind an address at which nobody listens.</summary>
    private const string Nobody = "nobody";

    /// <summary>Whether anything forwards the addresses of Services; else packets to them vanish.</summary>
    public bool ServicesForward { get; init; } = true;

    /// <summary>From a pod's address until DNS knows it.</summary>
    public TimeSpan NamesAreLateBy { get; init; }

    public string? PodAt(IPAddress address)
    {
        var text = address.ToString();
        if (Service(s => s.Root.Text("spec", "clusterIP") == text) is not { } service) return pods.All.LastOrDefault(p => address.Equals(p.Address))?.Uid;
        if (!ServicesForward) return null;
        var selected = Endpoints(service).ToList();
        return selected.Count == 0 ? Nobody : selected[random.Next(selected.Count)].Uid;
    }

    public IPAddress AddressOf(string pod) => pods.All.Last(p => p.Uid == pod).Address ?? throw new InvalidOperationException($"{pod} runs and has no address");

    public ImmutableArray<IPAddress> Resolve(string host)
    {
        var labels = host.Split('.');
        if (labels.Length < 3 || Service(s => s.Meta.Name == labels[1] && s.Meta.Namespace == labels[2]) is not { } service) return [];
        return [.. Endpoints(service).Where(p => p.View.Spec.Text("hostname") == labels[0] && p.View.Spec.Text("subdomain") == labels[1] && world.Clock.GetUtcNow() >= p.AddressSince + NamesAreLateBy).Select(static p => p.Address!)];
    }

    private IEnumerable<PodAgent> Endpoints(KubeObject service)
    {
        var selector = service.Root.TextMap("spec", "selector");
        var unready = service.Root.Flag("spec", "publishNotReadyAddresses") == true;
        return pods.All.Where(p => p is { IsPresent: true, Address: not null, View.IsFinished: false } && p.View.Meta.Namespace == service.Meta.Namespace && (unready || p.View.IsReady)
            && selector.All(wanted => p.View.Meta.Labels.GetValueOrDefault(wanted.Key) == wanted.Value));
    }

    private KubeObject? Service(Func<KubeObject, bool> is_) => world.Observer.Objects.FirstOrDefault(o => o.Kind == Kinds.Service.Kind && is_(o));
}
