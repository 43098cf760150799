using System.Net;
using System.Net.WebSockets;
using System.Text;
using Kube.ApiServer;
using Kube.Testing;
using Kube.Types;

namespace Kube.Client.Tests;

/// <summary>Commands in pods; the server's side is played by the test.</summary>
public sealed class ExecTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_command_is_asked_for_word_by_word_and_by_WebSocket()
    {
        var server = new ScriptedHandler().Then((_, _) => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)));
        using var client = Client(server);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.ExecAsync("a", "p", new ExecOptions(["sh", "-c", "", "a&b c"], "main", Input: true), Cancelled));
        Assert.Equal("GET /api/v1/namespaces/a/pods/p/exec?container=main&stdin=true&stdout=true&stderr=true&command=sh&command=-c&command=&command=a%26b%20c", server.Asked.Single());
        var request = server.Requests.Single();
        Assert.Equal((HttpVersion.Version11, HttpVersionPolicy.RequestVersionExact), (request.Version, request.VersionPolicy));
        Assert.Equal("v5.channel.k8s.io, v4.channel.k8s.io", request.Headers.GetValues("Sec-WebSocket-Protocol").Single());
        Assert.EndsWith("?stdout=true&tty=true&command=top", KubeRequests.Exec("a", "p", new ExecOptions(["top"], Terminal: true)).PathAndQuery, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_go_both_ways_and_the_exit_code_comes_last()
    {
        var (client, server) = Connect();
        await using var process = await client.ExecAsync("a", "p", new ExecOptions(["cat"], Input: true), Cancelled);
        Assert.True(process.InputEnds);
        await process.Input.WriteAsync(new byte[40_000], Cancelled);
        Assert.Equal((RemoteCommand.Input, 32 * 1024), await server.NextAsync());
        Assert.Equal((RemoteCommand.Input, 40_000 - (32 * 1024)), await server.NextAsync());
        await process.Input.DisposeAsync();
        Assert.Equal((RemoteCommand.Close, 1), await server.NextAsync());
        await process.ResizeAsync(80, 24, Cancelled);
        Assert.Equal((RemoteCommand.Resize, """{"Width":80,"Height":24}""".Length), await server.NextAsync());

        await server.SendAsync(RemoteCommand.Output, "");
        await server.SendAsync(RemoteCommand.Output, "out ");
        await server.SendAsync(RemoteCommand.Error, "err");
        await server.SendAsync(RemoteCommand.Output, "put");
        await server.SendAsync(RemoteCommand.Result, RemoteCommand.ResultOf(7).ToJsonString());
        await server.CloseAsync();
        Assert.Equal(("out put", "err"), (await AllAsync(process.Output), await AllAsync(process.Error)));
        Assert.Equal(7, await process.WaitAsync(Cancelled));
    }

    [Fact]
    public async Task An_older_protocol_has_no_end_of_input()
    {
        var (client, server) = Connect(RemoteCommand.V4);
        await using var process = await client.ExecAsync("a", "p", new ExecOptions(["true"], Input: true), Cancelled);
        Assert.False(process.InputEnds);
        await process.Input.DisposeAsync();
        await process.ResizeAsync(1, 1, Cancelled);
        Assert.Equal(RemoteCommand.Resize, (await server.NextAsync()).Channel);
        await server.SendAsync(RemoteCommand.Result, RemoteCommand.ResultOf(0).ToJsonString());
        await server.CloseAsync();
        Assert.Equal(0, await process.WaitAsync(Cancelled));
    }

    // What kube-apiserver 1.35 sends where no kubelet answers.
    [Fact]
    public async Task A_command_that_could_not_be_run_is_a_failure_with_the_servers_words()
    {
        var (client, server) = Connect();
        await using var process = await client.ExecAsync("a", "p", new ExecOptions(["ls"]), Cancelled);
        await server.SendAsync(RemoteCommand.Result, """
            {"metadata":{},"status":"Failure","message":"Internal error occurred: error sending request: dial tcp 127.0.0.1:17999: connect: connection refused","reason":"InternalError","details":{"causes":[{"message":"error sending request"}]},"code":500}
            """);
        await server.CloseAsync();
        var failure = await Assert.ThrowsAsync<ApiException>(() => process.WaitAsync(Cancelled));
        Assert.Equal((500, ApiReason.InternalError), (failure.Status.Code, failure.Status.Reason));
        Assert.EndsWith("connection refused", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_breaks_before_the_result_is_no_exit_code()
    {
        var (client, server) = Connect();
        await using var process = await client.ExecAsync("a", "p", new ExecOptions(["ls"]), Cancelled);
        await server.SendAsync(RemoteCommand.Output, "half");
        server.Break();
        Assert.Equal("half", await AllAsync(process.Output));
        var broken = await Assert.ThrowsAsync<HttpRequestException>(() => process.WaitAsync(Cancelled));
        Assert.Contains("/pods/p/exec", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_comes_with_its_reason()
    {
        using var refusing = Client(new ScriptedHandler().Status(400, "BadRequest", "container x is not valid for pod p"));
        var refusal = await Assert.ThrowsAsync<ApiException>(() => refusing.ExecAsync("a", "p", new ExecOptions(["ls"], "x"), Cancelled));
        Assert.Equal("container x is not valid for pod p", refusal.Message);
    }

    [Fact]
    public async Task In_process_there_is_no_connection_to_speak_over()
    {
        using var server = new KubeApiServer(new ApiServerOptions());
        using var client = new KubeClient(new InProcessHandler(server), InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System);
        await client.CreateAsync(Kinds.Pod, KubeObject.Parse("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default"},"spec":{"nodeName":"n","containers":[{"name":"a","image":"i"}]}}"""u8.ToArray()), Cancelled);
        var refusal = await Assert.ThrowsAsync<ApiException>(() => client.ExecAsync("default", "p", new ExecOptions(["ls"]), Cancelled));
        Assert.Equal("Upgrade request required", refusal.Message);
    }

    private static async Task<string> AllAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        return await reader.ReadToEndAsync(Cancelled);
    }

    private static KubeClient Client(HttpMessageHandler handler) => new(handler, new Uri("https://cluster.invalid"), KubeClientOptions.Default, TimeProvider.System);

    private static (KubeClient Client, Peer Server) Connect(string protocol = RemoteCommand.V5)
    {
        var (here, there) = DuplexStream.Pair();
        var handler = new ScriptedHandler().Then((_, _) =>
        {
            var response = new HttpResponseMessage(HttpStatusCode.SwitchingProtocols) { Content = new ConnectionContent(here) };
            response.Headers.TryAddWithoutValidation("Sec-WebSocket-Protocol", protocol);
            return Task.FromResult(response);
        });
        return (Client(handler), new Peer(there, protocol));
    }

    /// <summary>What a socket's handler gives after an upgrade: the connection itself.</summary>
    private sealed class ConnectionContent(Stream connection) : HttpContent
    {
        protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult(connection);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private sealed class Peer(Stream connection, string protocol)
    {
        private readonly WebSocket _socket = WebSocket.CreateFromStream(connection, new WebSocketCreationOptions { IsServer = true, SubProtocol = protocol });
        private readonly byte[] _buffer = new byte[100_000];

        public async Task<(byte Channel, int Length)> NextAsync()
        {
            var message = await _socket.ReceiveAsync(_buffer.AsMemory(), Cancelled);
            return (_buffer[0], message.Count - 1);
        }

        public async Task SendAsync(byte channel, string text)
        {
            byte[] message = [channel, .. Encoding.UTF8.GetBytes(text)];
            await _socket.SendAsync((ReadOnlyMemory<byte>)message, WebSocketMessageType.Binary, endOfMessage: true, Cancelled);
        }

        public Task CloseAsync() => _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", Cancelled);

        public void Break() => connection.Dispose();
    }
}
