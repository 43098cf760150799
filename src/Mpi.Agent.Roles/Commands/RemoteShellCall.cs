using System.Buffers;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Mpi.Agent.Roles;

/// <summary>
/// A call of the remote-shell program as MPI's launchers make it: options of ssh, a host, and the words of a command.
/// <code>
/// pi-worker-0 " orted" -mca ess "\"env\"" ...                       Open MPI 4 (ORTE), Open MPI 5 (PRRTE)
/// -x pi-worker-0 "\"/usr/bin/hydra_pmi_proxy\"" --control-port ...  Hydra: MPICH, Intel MPI
/// </code>
/// </summary>
/// <param name="Host">Without a user.</param>
/// <param name="Words">What the remote shell gets, joined by blanks as ssh does.</param>
public sealed record RemoteShellCall(string Host, ImmutableArray<string> Words)
{
    /// <summary>The options of ssh(1) that have a value. The others, and all values, are ssh's and mean nothing here.</summary>
    private static readonly SearchValues<char> OptionsWithValue = SearchValues.Create("BbcDEeFIiJLlmOoPpQRSWw");

    public string Line => string.Join(' ', Words);

    /// <exception cref="UsageException">There is no host or no command.</exception>
    public static RemoteShellCall Parse(ReadOnlySpan<string> args)
    {
        var at = 0;
        while (at < args.Length && args[at] is ['-', not '-', ..] or "--")
        {
            if (args[at] == "--")
            {
                at++;
                break;
            }

            // "-o X" has its value in the next word, "-oX" in the same; flags may be bundled before it: "-xo X".
            var valued = args[at].AsSpan(1).IndexOfAny(OptionsWithValue);
            at += valued >= 0 && valued + 2 == args[at].Length ? 2 : 1;
        }

        if (at >= args.Length) throw new UsageException("remote-shell: no host is named.");
        if (at + 1 == args.Length) throw new UsageException($"remote-shell: no command for {args[at]}; there are no interactive logins.");
        var host = args[at][(args[at].LastIndexOf('@') + 1)..];
        return new RemoteShellCall(host, [.. args[(at + 1)..]]);
    }

    /// <summary>
    /// The call with Hydra's <c>--control-port HOST:PORT</c> made reachable: Hydra writes the launcher's host name there, which
    /// workers need not be able to resolve. A name that is not the launcher's own, such as what <c>HYDRA_IFACE</c> chose, stays;
    /// so does every name where the worker came by IPv6, whose colons Hydra would take for the port's.
    /// </summary>
    /// <param name="ownHost">The launcher's host name.</param>
    /// <param name="ownAddress">The address under which the worker has reached the launcher.</param>
    public RemoteShellCall WithControlPort(string ownHost, IPAddress ownAddress)
    {
        var address = ownAddress.IsIPv4MappedToIPv6 ? ownAddress.MapToIPv4() : ownAddress;
        var option = Words.IndexOf("--control-port");
        if (option < 0 || option + 1 >= Words.Length || address.AddressFamily != AddressFamily.InterNetwork) return this;
        var value = Words[option + 1];
        var colon = value.LastIndexOf(':');
        if (colon <= 0) return this;
        var host = value.AsSpan(0, colon);
        var isOwn = host.SequenceEqual(ownHost) || host.SequenceEqual(Hostfile.Short(ownHost)) || host.StartsWith($"{Hostfile.Short(ownHost)}.", StringComparison.Ordinal);
        return isOwn ? this with { Words = Words.SetItem(option + 1, address + value[colon..]) } : this;
    }
}
