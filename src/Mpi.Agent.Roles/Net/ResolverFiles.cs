using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace Mpi.Agent.Roles;

/// <summary>The file <c>/etc/hosts</c> (hosts(5)): <c>10.0.0.3  pi-worker-0.pi.default.svc pi-worker-0 # comment</c>.</summary>
internal static class HostsFile
{
    public static ImmutableArray<IPAddress> Lookup(string text, string host)
    {
        var name = host.TrimEnd('.');
        var found = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && words.Skip(1).Contains(name, StringComparer.OrdinalIgnoreCase) && IPAddress.TryParse(words[0], out var address)) found.Add(address);
        }

        return found.ToImmutable();
    }
}

/// <summary>
/// The file <c>/etc/resolv.conf</c> (resolv.conf(5)), as the kubelet writes it:
/// <code>
/// nameserver 10.96.0.10
/// search default.svc.cluster.local svc.cluster.local cluster.local
/// options ndots:5
/// </code>
/// </summary>
internal sealed record ResolverSettings(ImmutableArray<IPAddress> Servers, ImmutableArray<string> Search, int Dots, TimeSpan Timeout, int Attempts = 2, bool OverTcp = false)
{
    // The bounds of resolv.conf(5): more servers are ignored, timeout and attempts are capped.
    private const int MostServers = 3;
    private const int MostSearches = 32;

    public static ResolverSettings Parse(string text)
    {
        var servers = ImmutableArray.CreateBuilder<IPAddress>();
        ImmutableArray<string> search = [];
        var (dots, seconds, attempts, overTcp) = (1, 5, 2, false);
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split('#', ';')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", var address, ..] when servers.Count < MostServers && IPAddress.TryParse(address, out var ip):
                    servers.Add(ip);
                    break;
                case ["search" or "domain", .. var suffixes]:
                    search = [.. suffixes.Take(MostSearches).Select(static s => s.TrimEnd('.'))];
                    break;
                case ["options", .. var options]:
                    foreach (var option in options)
                    {
                        if (Number(option, "ndots:") is { } n) dots = Math.Min(n, 15);
                        if (Number(option, "timeout:") is { } t) seconds = Math.Clamp(t, 1, 30);
                        if (Number(option, "attempts:") is { } a) attempts = Math.Clamp(a, 1, 5);
                        overTcp |= option is "use-vc";
                    }

                    break;
            }
        }

        return new ResolverSettings(servers.ToImmutable(), search, dots, TimeSpan.FromSeconds(seconds), attempts, overTcp);
    }

    /// <summary>The full names to ask for, in order: with <c>ndots</c> dots or more the name itself goes first, else last.</summary>
    public IEnumerable<string> Candidates(string host)
    {
        if (host.EndsWith('.')) return [host.TrimEnd('.')];
        var extended = Search.Select(suffix => suffix.Length > 0 ? $"{host}.{suffix}" : host);
        return (host.Count(static c => c == '.') >= Dots ? extended.Prepend(host) : extended.Append(host)).Distinct(StringComparer.OrdinalIgnoreCase);
    }

    private static int? Number(string option, string prefix) =>
        option.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(option.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;
}
