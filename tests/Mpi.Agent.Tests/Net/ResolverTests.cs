using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Kube.Testing;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class ResolverTests
{
    [Fact]
    public void The_hosts_file_knows_aliases_comments_and_both_families()
    {
        const string text = "127.0.0.1 localhost\n10.0.0.3\tw-0.job.ns.svc w-0 # first\nfd00::3 W-0\nnonsense w-0\n";

        Assert.Equal([IPAddress.Parse("10.0.0.3"), IPAddress.Parse("fd00::3")], HostsFile.Lookup(text, "w-0"));
        Assert.Empty(HostsFile.Lookup(text, "first"));
    }

    [Fact]
    public void Names_with_few_dots_try_the_search_list_first()
    {
        var settings = ResolverSettings.Parse("nameserver 10.96.0.10\nsearch ns.svc.cluster.local svc.cluster.local\noptions ndots:5 timeout:2\n");

        Assert.Equal([IPAddress.Parse("10.96.0.10")], settings.Servers);
        Assert.Equal(TimeSpan.FromSeconds(2), settings.Timeout);
        Assert.Equal(["w-0.job.ns.svc.ns.svc.cluster.local", "w-0.job.ns.svc.svc.cluster.local", "w-0.job.ns.svc"], settings.Candidates("w-0.job.ns.svc"));
        Assert.Equal(["w-0.job"], settings.Candidates("w-0.job."));
    }

    [Fact]
    public void Names_with_enough_dots_are_asked_for_as_they_are_first() =>
        Assert.Equal(["a.b", "a.b.c"], ResolverSettings.Parse("nameserver 10.0.0.1\nsearch c\n").Candidates("a.b"));

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("wörker")]
    public void What_cannot_be_a_name_is_not_asked(string name) => Assert.Null(DnsMessage.Query(1, name, DnsRecordType.A));

    [Fact]
    public void Addresses_are_found_behind_an_alias_and_a_compressed_name()
    {
        var answer = Answer(DnsMessage.Query(7, "w-0.job", DnsRecordType.A)!, [(5, [1, (byte)'x', 0]), (1, [10, 0, 0, 9])]);

        Assert.Equal([IPAddress.Parse("10.0.0.9")], DnsMessage.Answer(answer, 7, DnsRecordType.A));
    }

    [Fact]
    public void An_answer_to_another_question_is_not_ours() =>
        Assert.Null(DnsMessage.Answer(Answer(DnsMessage.Query(7, "w", DnsRecordType.A)!, []), 8, DnsRecordType.A));

    [Fact]
    public void Damaged_answers_never_throw()
    {
        var answer = Answer(DnsMessage.Query(7, "w-0.job", DnsRecordType.A)!, [(1, [10, 0, 0, 9]), (1, [10, 0, 0, 10])]);
        for (var length = 0; length < answer.Length; length++) _ = DnsMessage.Answer(answer.AsSpan(0, length), 7, DnsRecordType.A);
        var random = new Random(3);
        for (var round = 0; round < 2000; round++)
        {
            var damaged = (byte[])answer.Clone();
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            _ = DnsMessage.Answer(damaged, 7, DnsRecordType.A);
        }
    }

    [Fact]
    public async Task A_name_is_asked_for_over_udp_and_found_under_its_search_suffix()
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var stop = new CancellationTokenSource();
        var serving = ServeAsync(server, "w-0.job.ns", stop.Token);
        using var test = new TestEnvironment();
        await File.WriteAllTextAsync(test.File("resolv.conf"), "search ns\noptions ndots:5 timeout:1\n");
        var resolver = new NameResolver(test.File("hosts"), test.File("resolv.conf"), TimeProvider.System, new Random(1)) { Port = ((IPEndPoint)server.LocalEndPoint!).Port };
        await File.AppendAllTextAsync(test.File("resolv.conf"), "nameserver 127.0.0.1\n");

        Assert.Equal([IPAddress.Parse("10.0.0.9")], await resolver.ResolveAsync("w-0.job", CancellationToken.None));
        Assert.Empty(await resolver.ResolveAsync("w-1.job", CancellationToken.None));

        await stop.CancelAsync();
        await serving;
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("use-vc", false)]
    public async Task An_answer_that_was_cut_off_and_every_one_under_use_vc_comes_over_tcp(string option, bool cutOff)
    {
        var (udp, tcp) = OnOnePort();
        using var datagrams = udp;
        using var connections = tcp;
        var port = ((IPEndPoint)datagrams.LocalEndPoint!).Port;
        using var stop = new CancellationTokenSource();
        // Over UDP an empty answer with the bit for "there is more"; the address only over TCP.
        var serving = Task.WhenAll(cutOff ? ServeAsync(datagrams, "nobody", stop.Token, truncated: true) : Task.CompletedTask, ServeTcpAsync(connections, "w-0.job", stop.Token));
        using var test = new TestEnvironment();
        await File.WriteAllTextAsync(test.File("resolv.conf"), $"nameserver 127.0.0.1\noptions ndots:1 timeout:20 {option}\n");
        var resolver = new NameResolver(test.File("hosts"), test.File("resolv.conf"), TimeProvider.System, new Random(1)) { Port = port };

        Assert.Equal([IPAddress.Parse("10.0.0.9")], await resolver.ResolveAsync("w-0.job", CancellationToken.None));

        await stop.CancelAsync();
        await serving;
    }

    [Fact]
    public async Task A_question_that_got_lost_is_asked_again_as_often_as_the_file_says()
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var test = new TestEnvironment();
        await File.WriteAllTextAsync(test.File("resolv.conf"), "nameserver 127.0.0.1\noptions timeout:1 attempts:3\n");
        var time = new VirtualClock();
        var resolver = new NameResolver(test.File("hosts"), test.File("resolv.conf"), time, new Random(1)) { Port = ((IPEndPoint)server.LocalEndPoint!).Port };

        var resolving = resolver.ResolveAsync("w-0.job", CancellationToken.None);
        var buffer = new byte[512];
        for (var asked = 1; asked <= 3; asked++)
        {
            await server.ReceiveAsync(buffer, SocketFlags.None, TestContext.Current.CancellationToken);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Empty(await resolving);
    }

    /// <summary>Sockets on a port that both protocols have free: the system picks for one protocol only.</summary>
    private static (Socket Udp, Socket Tcp) OnOnePort()
    {
        while (true)
        {
            var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                tcp.Bind(udp.LocalEndPoint!);
                tcp.Listen();
                return (udp, tcp);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                udp.Dispose();
                tcp.Dispose();
            }
        }
    }

    /// <summary>Answers A questions for one name with 10.0.0.9, and everything else with nothing.</summary>
    private static async Task ServeAsync(Socket server, string name, CancellationToken cancellation, bool truncated = false)
    {
        var buffer = new byte[512];
        try
        {
            while (true)
            {
                var got = await server.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), cancellation);
                var answer = AnswerTo(buffer[..got.ReceivedBytes], name);
                if (truncated) answer[2] |= 0x02;
                await server.SendToAsync(answer, SocketFlags.None, got.RemoteEndPoint, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    /// <inheritdoc cref="ServeAsync"/>
    private static async Task ServeTcpAsync(Socket server, string name, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                using var caller = await server.AcceptAsync(cancellation);
                await using var stream = new NetworkStream(caller);
                var length = new byte[2];
                await stream.ReadExactlyAsync(length, cancellation);
                var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(query, cancellation);
                var answer = AnswerTo(query, name);
                BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
                // In two pieces: a reader must not take the first for the whole.
                await stream.WriteAsync(length, cancellation);
                await stream.WriteAsync(answer, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private static byte[] AnswerTo(byte[] query, string name)
    {
        var known = query.AsSpan(2).SequenceEqual(DnsMessage.Query(0, name, DnsRecordType.A).AsSpan(2));
        return Answer(query, known ? [(1, [10, 0, 0, 9])] : []);
    }

    private static byte[] Answer(byte[] query, (ushort Type, byte[] Data)[] records)
    {
        var bytes = new List<byte>(query) { [2] = 0x81, [7] = (byte)records.Length };
        foreach (var (type, data) in records)
        {
            bytes.AddRange([0xC0, 12, 0, (byte)type, 0, 1, 0, 0, 0, 30, 0, (byte)data.Length]);
            bytes.AddRange(data);
        }

        return [.. bytes];
    }
}
