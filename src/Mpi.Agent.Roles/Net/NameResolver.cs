using System.Buffers.Binary;
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

    /// <summary>Each server in turn, and all of them again where none has answered: a datagram may be lost.</summary>
    private async Task<ImmutableArray<IPAddress>> AskAsync(ResolverSettings settings, string name, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < settings.Attempts; attempt++)
        {
            foreach (var server in settings.Servers)
            {
                var v4 = await QueryAsync(settings, server, name, DnsRecordType.A, cancellation);
                // A server that is silent for one record type will not answer the other; the next one may.
                if (v4 is null) continue;
                var v6 = await QueryAsync(settings, server, name, DnsRecordType.Aaaa, cancellation);
                return [.. v4, .. v6 ?? []];
            }
        }

        return [];
    }

    /// <summary>The addresses in the answer, none for "no such name", or null when there was no answer.</summary>
    private async Task<ImmutableArray<IPAddress>?> QueryAsync(ResolverSettings settings, IPAddress server, string name, DnsRecordType type, CancellationToken cancellation)
    {
        var id = (ushort)random.Next(ushort.MaxValue + 1);
        if (DnsMessage.Query(id, name, type) is not { } query) return [];
        var exchange = new Exchange(server, query, id, type);
        if (settings.OverTcp) return await WithinAsync(exchange, OverTcpAsync, settings.Timeout, cancellation);
        var answer = await WithinAsync(exchange, OverUdpAsync, settings.Timeout, cancellation);
        // Cut off (RFC 7766, 5): the whole answer comes over TCP; without that, what there is may do.
        if (exchange.Truncated) answer = await WithinAsync(exchange, OverTcpAsync, settings.Timeout, cancellation) ?? answer;
        return answer;
    }

    private async Task<ImmutableArray<IPAddress>?> WithinAsync(
        Exchange exchange, Func<Exchange, CancellationToken, Task<ImmutableArray<IPAddress>?>> ask, TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await ask(exchange, both.Token);
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

    private async Task<ImmutableArray<IPAddress>?> OverUdpAsync(Exchange exchange, CancellationToken cancellation)
    {
        using var socket = new Socket(exchange.Server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        // A connected socket only hears the server that was asked.
        await socket.ConnectAsync(exchange.Server, Port, cancellation);
        await socket.SendAsync(exchange.Query, SocketFlags.None, cancellation);
        var buffer = new byte[DnsMessage.LargestDatagram];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation);
            if (exchange.Read(buffer.AsSpan(0, length)) is { } addresses) return addresses;
        }
    }

    /// <summary>One question a connection; both messages stand behind their length (RFC 1035, 4.2.2).</summary>
    private async Task<ImmutableArray<IPAddress>?> OverTcpAsync(Exchange exchange, CancellationToken cancellation)
    {
        using var socket = new Socket(exchange.Server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(exchange.Server, Port, cancellation);
        var message = new byte[2 + exchange.Query.Length];
        BinaryPrimitives.WriteUInt16BigEndian(message, (ushort)exchange.Query.Length);
        exchange.Query.CopyTo(message, 2);
        await socket.SendAsync(message, SocketFlags.None, cancellation);

        await using var stream = new NetworkStream(socket);
        try
        {
            var length = new byte[2];
            await stream.ReadExactlyAsync(length, cancellation);
            var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
            await stream.ReadExactlyAsync(answer, cancellation);
            return exchange.Read(answer);
        }
        catch (IOException)
        {
            // It hung up before its answer was complete.
            return null;
        }
    }

    private static string ReadIfPresent(string path) => File.Exists(path) ? File.ReadAllText(path) : "";

    /// <summary>One question to one server.</summary>
    private sealed class Exchange(IPAddress server, byte[] query, ushort id, DnsRecordType type)
    {
        public IPAddress Server => server;
        public byte[] Query => query;

        /// <summary>The answer that was read last says that there is more.</summary>
        public bool Truncated { get; private set; }

        public ImmutableArray<IPAddress>? Read(ReadOnlySpan<byte> message)
        {
            if (DnsMessage.Answer(message, id, type) is not { } addresses) return null;
            Truncated = DnsMessage.IsTruncated(message);
            return addresses;
        }
    }
}
