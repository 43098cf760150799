using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>
/// What a cluster's DNS would answer, written into each pod's /etc/hosts: there is no name server here, and a name that is not
/// in the file fails at once instead of after seconds. Pure.
/// </summary>
internal static class PodNames
{
    /// <param name="Hostname">The pod's host name.</param>
    /// <param name="Address">Null while it has none.</param>
    /// <param name="Searches">What <c>dnsConfig.searches</c> adds.</param>
    public sealed record Pod(string Namespace, string Name, string Hostname, string Subdomain, string? Address, IReadOnlyList<string> Searches, IReadOnlyList<(string Address, IReadOnlyList<string> Names)> Aliases);

    /// <param name="Addresses">The ClusterIP, or for a headless Service the addresses of its pods.</param>
    public sealed record Service(string Namespace, string Name, IReadOnlyList<string> Addresses);

    public static Pod Read(PodSpecView pod, string? address) => new(
        pod.Meta.Namespace,
        pod.Meta.Name,
        pod.Hostname,
        pod.Subdomain,
        address,
        [.. pod.Spec.Items("dnsConfig", "searches").Where(static s => s.ValueKind == JsonValueKind.String).Select(static s => s.GetString()!.TrimEnd('.'))],
        [.. pod.Spec.Items("hostAliases").Select(static a => (a.Text("ip") ?? "", (IReadOnlyList<string>)[.. a.Items("hostnames").Where(static n => n.ValueKind == JsonValueKind.String).Select(static n => n.GetString()!)]))]);

    /// <summary>The text of a pod's /etc/hosts: its own name first, as programs ask for that most.</summary>
    /// <param name="clusterDomain">What all names of pods and Services end with.</param>
    public static string Hosts(Pod self, IEnumerable<Pod> pods, IEnumerable<Service> services, string clusterDomain)
    {
        var text = new StringBuilder("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        var searches = SearchDomains(self, clusterDomain).ToHashSet(StringComparer.Ordinal);
        if (self.Address is { } own)
        {
            // As the kubelet writes it: the full name where there is one, then the bare one.
            var full = self.Subdomain.Length > 0 ? $"{self.Hostname}.{self.Subdomain}.{self.Namespace}.svc.{clusterDomain}" : null;
            Line(own, full is null ? [self.Hostname] : [full, self.Hostname, .. Shortened(full, searches).Where(n => n != self.Hostname)]);
        }

        foreach (var pod in pods.Where(p => p.Subdomain.Length > 0 && p.Address is not null && !(p.Namespace == self.Namespace && p.Name == self.Name)).OrderBy(static p => p.Namespace, StringComparer.Ordinal).ThenBy(static p => p.Name, StringComparer.Ordinal))
        {
            var full = $"{pod.Hostname}.{pod.Subdomain}.{pod.Namespace}.svc.{clusterDomain}";
            Line(pod.Address!, [full, .. Shortened(full, searches)]);
        }

        foreach (var service in services.OrderBy(static s => s.Namespace, StringComparer.Ordinal).ThenBy(static s => s.Name, StringComparer.Ordinal))
        {
            var full = $"{service.Name}.{service.Namespace}.svc.{clusterDomain}";
            foreach (var address in service.Addresses) Line(address, [full, .. Shortened(full, searches)]);
        }

        if (self.Aliases.Count > 0) text.Append("\n# Entries added by HostAliases.\n");
        foreach (var (address, names) in self.Aliases) Line(address, names);
        return text.ToString();

        void Line(string address, IEnumerable<string> names) => text.Append(address).Append('\t').AppendJoin(' ', names).Append('\n');
    }

    /// <summary>
    /// The search list tells which short names work. The name server at the loopback address does not exist: what is not in the hosts file is
    /// refused by the kernel at once.
    /// </summary>
    public static string ResolverConfiguration(Pod self, string clusterDomain) => $"search {string.Join(' ', SearchDomains(self, clusterDomain))}\nnameserver 127.0.0.1\noptions ndots:5 timeout:1 attempts:1\n";

    private static IEnumerable<string> SearchDomains(Pod self, string clusterDomain) => [$"{self.Namespace}.svc.{clusterDomain}", $"svc.{clusterDomain}", clusterDomain, .. self.Searches];

    /// <summary>What is left of a name in front of each search domain: with those suffixes a resolver would have found it.</summary>
    private static IEnumerable<string> Shortened(string full, HashSet<string> searches)
    {
        for (var dot = full.IndexOf('.', StringComparison.Ordinal); dot > 0; dot = full.IndexOf('.', dot + 1))
        {
            if (searches.Contains(full[(dot + 1)..])) yield return full[..dot];
        }
    }
}
