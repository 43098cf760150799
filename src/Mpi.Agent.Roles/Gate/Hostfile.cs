using System.Collections.Immutable;

namespace Mpi.Agent.Roles;

/// <summary>
/// The hosts of an MPI hostfile, in order and each once, whatever flavour wrote it:
/// <code>
/// pi-worker-0.pi.default.svc slots=2     Open MPI
/// pi-worker-1.pi.default.svc:2           MPICH, Intel MPI
/// # a comment, alone or behind a host
/// </code>
/// </summary>
public static class Hostfile
{
    public static ImmutableArray<string> Hosts(string text)
    {
        var hosts = ImmutableArray.CreateBuilder<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            var entry = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (entry.Length > 0 && seen.Add(WithoutSlots(entry[0]))) hosts.Add(WithoutSlots(entry[0]));
        }

        return hosts.ToImmutable();
    }

    /// <summary>The part of a host name that users know as the pod's name.</summary>
    public static string Short(string host) => System.Net.IPAddress.TryParse(host, out _) ? host : host.Split('.')[0];

    /// <summary><c>host:2</c> and <c>[::1]:2</c> lose their slots; a bare IPv6 address has several colons and stays.</summary>
    private static string WithoutSlots(string word)
    {
        if (word.StartsWith('[') && word.IndexOf(']') is > 0 and var end) return word[1..end];
        var colon = word.IndexOf(':');
        return colon > 0 && colon == word.LastIndexOf(':') ? word[..colon] : word;
    }
}
