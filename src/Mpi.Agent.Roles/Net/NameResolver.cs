using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Mpi.Agent.Roles;

/// <summary>Finds the addresses of a host.</summary>
public interface INameResolver
{
    /// <summary>The addresses, IPv4 first; none when the name is unknown or nobody answers.</summary>
    Task<ImmutableArray<IPAddress>> ResolveAsync(string host, CancellationToken cancellation);
}

/// <summary>
/// Names by the hosts file and DNS, without the C library: in a static binary <c>getaddrinfo</c> needs the very glibc it
/// was built with, which a user's image does not have. Files are read anew for each name; they change while pods start.
/// </summary>
public sealed class NameResolver(string hostsPath, string resolvConfPath, TimeProvider time, Random random) : INameResolver
{
    /// <summary>Where DNS servers listen.</summary>
    internal int Port { get; init; } = 53;

    public async Task<ImmutableArray<IPAddress>> ResolveAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var literal)) return [literal];
        if (HostsFile.Lookup(ReadIfPresent(hostsPath), host) is { Length: > 0 } local) return local;

        var settings = ResolverSettings.Parse(ReadIfPresent(resolvConfPath));
        foreach (var name in settings.Candidates(host))
        {
            if (await AskAsync(settings, name, cancellation) is { Length: > 0 } found) return found;
        }

        return [];
    }

    private async Task<ImmutableArray<IPAddress>> AskAsync(ResolverSettings settings, string name, CancellationToken cancellation)
    {
        foreach (var server in settings.Servers)
        {
            var v4 = await QueryAsync(server, name, DnsRecordType.A, settings.Timeout, cancellation);
            // A server that is silent for one record type will not answer the other; the next one may.
            if (v4 is null) continue;
            var v6 = await QueryAsync(server, name, DnsRecordType.Aaaa, settings.Timeout, cancellation);
            return [.. v4, .. v6 ?? []];
        }

        return [];
    }

    /// <summary>The addresses in the answer, none for "no such name", or null when there was no answer.</summary>
    private async Task<ImmutableArray<IPAddress>?> QueryAsync(IPAddress server, string name, DnsRecordType type, TimeSpan timeout, CancellationToken cancellation)
    {
        var id = (ushort)random.Next(ushort.MaxValue + 1);
        if (DnsMessage.Query(id, name, type) is not { } query) return [];
        using var limit = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // A connected socket only hears the server that was asked.
            await socket.ConnectAsync(server, Port, both.Token);
            await socket.SendAsync(query, SocketFlags.None, both.Token);
            var buffer = new byte[DnsMessage.LargestAnswer];
            while (true)
            {
                var length = await socket.ReceiveAsync(buffer, SocketFlags.None, both.Token);
                if (DnsMessage.Answer(buffer.AsSpan(0, length), id, type) is { } addresses) return addresses;
            }
        }
        catch (SocketException)
        {
            // Refused (nobody listens) or no route: the same as no answer.
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private static string ReadIfPresent(string path) => File.Exists(path) ? File.ReadAllText(path) : "";
}
