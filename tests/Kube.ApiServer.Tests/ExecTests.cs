using System.Collections.Immutable;
using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text;
using Kube.Testing;
using Kube.Types;

namespace Kube.ApiServer.Tests;

/// <summary><c>pods/exec</c> and <c>pods/attach</c> from the request to the last message; the process is played by the test.</summary>
public sealed class ExecTests : IDisposable
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private readonly FakeNode _node = new();
    private readonly TestServer _server;

    public ExecTests()
    {
        _server = new TestServer(o => o with { PodStreams = _node });
        _server.Post(Pods, """{"metadata":{"name":"p"},"spec":{"nodeName":"n","initContainers":[{"name":"i","image":"i"}],"containers":[{"name":"a","image":"i"},{"name":"b","image":"i"}]}}""");
        _server.Post(Pods, """{"metadata":{"name":"one"},"spec":{"nodeName":"n","containers":[{"name":"a","image":"i"}]}}""");
        _server.Post(Pods, """{"metadata":{"name":"unbound"},"spec":{"containers":[{"name":"a","image":"i"}]}}""");
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _server.Dispose();

    // The messages are those of kube-apiserver 1.35.
    [Theory]
    [InlineData("none", "command=ls", 404, "pods \"none\" not found")]
    [InlineData("p", "command=ls", 400, "a container name must be specified for pod p, choose one of: [i a b]")]
    [InlineData("p", "command=ls&container=x", 400, "container x is not valid for pod p")]
    [InlineData("unbound", "command=ls", 400, "pod unbound does not have a host assigned")]
    [InlineData("one", "stdout=true", 400, "you must specify at least one command for the container")]
    public async Task What_cannot_be_is_refused_before_the_upgrade(string pod, string query, int code, string message)
    {
        var answer = Assert.IsType<ApiResponse.Content>(await AskAsync($"{pod}/exec", query));
        Assert.Equal((code, message), (answer.Code, (string?)System.Text.Json.Nodes.JsonNode.Parse(answer.Parts[0].Span)!["message"]));
    }

    [Theory]
    [InlineData("", "", "Upgrade request required")]
    [InlineData("SPDY/3.1", "", "exec and attach are spoken over WebSocket here, not over SPDY/3.1")]
    [InlineData("websocket", "channel.k8s.io", "none of the WebSocket protocols asked for is known (v9.channel.k8s.io, channel.k8s.io)")]
    public async Task Only_WebSocket_is_spoken_and_the_answer_says_so(string upgrade, string protocol, string message)
    {
        var answer = Assert.IsType<ApiResponse.Content>(await AskAsync("one/exec", "command=ls", upgrade, protocol));
        Assert.Equal(400, answer.Code);
        Assert.Contains(message, Encoding.UTF8.GetString(answer.Parts[0].Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_reads_writes_and_ends_with_its_exit_code()
    {
        using var client = await OpenAsync("one/exec", "command=sh&command=-c&command=a+b&stdin=true&stdout=true&stderr=true");
        Assert.Equal("n: default/one/a sh|-c|a b PodStreamOptions { Input = True, Output = True, Error = True, Terminal = False }", _node.Asked);
        Assert.Equal((RemoteCommand.Output, ""), await client.NextAsync());
        await client.SendAsync(RemoteCommand.Input, "in"u8);
        await client.SendAsync(RemoteCommand.Close, [RemoteCommand.Input]);
        Assert.Equal("in", await _node.Session.AllInputAsync());
        await _node.Session.WriteAsync("\u0000\u0001bytes");
        Assert.Equal((RemoteCommand.Output, "\u0000\u0001bytes"), await client.NextAsync());
        await _node.Session.WriteErrorAsync("oh");
        Assert.Equal((RemoteCommand.Error, "oh"), await client.NextAsync());
        _node.Session.End(7);
        Assert.Equal(
            (RemoteCommand.Result, """{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"""),
            await client.NextAsync());
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await client.CloseStatusAsync());
        await client.Served;
        Assert.True(_node.Session.Disposed);
    }

    [Fact]
    public async Task Success_is_said_too()
    {
        using var client = await OpenAsync("one/exec", "command=true&stdout=true");
        _node.Session.End(0);
        Assert.Equal((RemoteCommand.Output, ""), await client.NextAsync());
        Assert.Equal((RemoteCommand.Result, """{"metadata":{},"status":"Success"}"""), await client.NextAsync());
    }

    [Fact]
    public async Task Everything_that_a_command_wrote_arrives_before_its_result()
    {
        using var client = await OpenAsync("one/exec", "command=x&stdout=true");
        _node.Session.Ended.SetResult(0);
        await _node.Session.WriteAsync("late");
        _node.Session.CloseOutputs();
        Assert.Equal((RemoteCommand.Output, ""), await client.NextAsync());
        Assert.Equal((RemoteCommand.Output, "late"), await client.NextAsync());
        Assert.Equal(RemoteCommand.Result, (await client.NextAsync()).Channel);
    }

    [Fact]
    public async Task A_terminal_learns_its_size_and_has_one_output()
    {
        using var client = await OpenAsync("one/exec", "command=bash&stdin=true&stdout=true&stderr=true&tty=true");
        Assert.EndsWith("Error = False, Terminal = True }", _node.Asked, StringComparison.Ordinal);
        await client.SendAsync(RemoteCommand.Resize, "no size"u8);
        await client.SendAsync(RemoteCommand.Resize, """{"Width":99999999,"Height":1}"""u8);
        await client.SendAsync(RemoteCommand.Resize, """{"Width":120,"Height":40}"""u8);
        Assert.Equal((120, 40), await _node.Session.Resized.Task.WaitAsync(Cancelled));
    }

    [Fact]
    public async Task The_process_ends_with_a_client_that_goes_away()
    {
        var client = await OpenAsync("one/exec", "command=sleep&stdin=true&stdout=true");
        await client.NextAsync();
        client.Dispose();
        await client.Served;
        Assert.True(_node.Session.Disposed);
    }

    [Fact]
    public async Task A_process_that_reads_no_more_stops_nobody()
    {
        using var client = await OpenAsync("one/exec", "command=true&stdin=true&stdout=true");
        _node.Session.StopReading();
        for (var i = 0; i < 50; i++) await client.SendAsync(RemoteCommand.Input, new byte[10_000]);
        _node.Session.End(0);
        await client.NextAsync();
        Assert.Equal(RemoteCommand.Result, (await client.NextAsync()).Channel);
    }

    [Fact]
    public async Task A_process_that_does_not_read_yet_holds_the_client_up_and_its_end_frees_it()
    {
        using var client = await OpenAsync("one/exec", "command=slow&stdin=true&stdout=true");
        var sending = Task.WhenAll(Enumerable.Range(0, 100).Select(_ => client.SendAsync(RemoteCommand.Input, new byte[10_000]).AsTask()));
        Assert.False(sending.IsCompleted);
        _node.Session.End(3);
        Assert.Equal(RemoteCommand.Output, (await client.NextAsync()).Channel);
        Assert.Contains("exit status 3", (await client.NextAsync()).Text, StringComparison.Ordinal);
        await sending.WaitAsync(TimeSpan.FromSeconds(20), Cancelled);
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_the_process_up()
    {
        using var client = await OpenAsync("one/exec", "command=yes&stdout=true");
        var written = 0;
        while (_node.Session.WriteAsync(new string('y', 10_000)).IsCompleted && ++written < 100)
        {
            // One buffer a direction, and no more.
        }

        Assert.InRange(written, 1, 99);
    }

    [Fact]
    public async Task What_the_node_refuses_after_the_upgrade_is_the_result()
    {
        _node.Refusal = new ApiException(new ApiStatus(500, ApiReason.InternalError, "container not found (\"a\")"));
        using var client = await OpenAsync("one/exec", "command=ls&stdout=true");
        var (channel, text) = await client.NextAsync();
        Assert.Equal(RemoteCommand.Result, channel);
        Assert.Contains("""
            "message":"Internal error occurred: container not found (\u0022a\u0022)","reason":"InternalError"
            """, text.Replace("\\\"", "\\u0022", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await client.CloseStatusAsync());
    }

    [Fact]
    public async Task To_attach_is_to_join_the_containers_own_process()
    {
        using var client = await OpenAsync("p/attach", "container=b&stdout=true&stderr=true", RemoteCommand.V4);
        Assert.Equal("n: default/p/b attached PodStreamOptions { Input = False, Output = True, Error = True, Terminal = False }", _node.Asked);
    }

    [Fact]
    public async Task Browsers_have_text_and_base64()
    {
        using var client = await OpenAsync("one/exec", "command=cat&stdin=true&stdout=true", "v4.base64.channel.k8s.io");
        Assert.Equal((byte)'1', (await client.NextAsync()).Channel);
        await client.SendAsync((byte)'0', "aGVsbG8="u8, WebSocketMessageType.Text);
        Assert.Equal("hello", await _node.Session.NextInputAsync());
        await _node.Session.WriteAsync("world");
        Assert.Equal(((byte)'1', "d29ybGQ="), await client.NextAsync());
    }

    private ValueTask<ApiResponse> AskAsync(string path, string query, string upgrade = "websocket", string protocol = RemoteCommand.V5) =>
        _server.Server.HandleAsync(new ApiRequest("GET", $"{Pods}/{path}") { Query = query, Upgrade = upgrade, Subprotocols = ["v9.channel.k8s.io", protocol] }, Cancelled);

    private async Task<Client> OpenAsync(string path, string query, string protocol = RemoteCommand.V5)
    {
        var upgrade = Assert.IsType<ApiResponse.Upgrade>(await AskAsync(path, query, protocol: protocol));
        Assert.Equal(protocol, upgrade.Subprotocol);
        var (here, there) = DuplexStream.Pair();
        var socket = WebSocket.CreateFromStream(there, new WebSocketCreationOptions { IsServer = true, SubProtocol = protocol });
        return new Client(WebSocket.CreateFromStream(here, new WebSocketCreationOptions { SubProtocol = protocol }), here, upgrade.Converse(socket, Cancelled));
    }

    private sealed class Client(WebSocket socket, Stream connection, Task served) : IDisposable
    {
        private readonly byte[] _buffer = new byte[100_000];

        public Task Served => served.WaitAsync(TimeSpan.FromSeconds(20), Cancelled);

        public ValueTask SendAsync(byte channel, ReadOnlySpan<byte> bytes, WebSocketMessageType type = WebSocketMessageType.Binary)
        {
            byte[] message = [channel, .. bytes];
            return socket.SendAsync((ReadOnlyMemory<byte>)message, type, endOfMessage: true, Cancelled);
        }

        public async Task<(byte Channel, string Text)> NextAsync()
        {
            var message = await socket.ReceiveAsync(_buffer.AsMemory(), Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancelled);
            Assert.NotEqual(WebSocketMessageType.Close, message.MessageType);
            return (_buffer[0], Encoding.UTF8.GetString(_buffer, 1, message.Count - 1));
        }

        public async Task<WebSocketCloseStatus?> CloseStatusAsync()
        {
            Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(_buffer.AsMemory(), Cancelled)).MessageType);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", Cancelled);
            return socket.CloseStatus;
        }

        public void Dispose()
        {
            socket.Dispose();
            connection.Dispose();
        }
    }

    private sealed class FakeNode : IPodStreams
    {
        public string Asked { get; private set; } = "";
        public ApiException? Refusal { get; set; }
        public FakeSession Session { get; } = new();

        public ValueTask<IPodSession> ExecAsync(PodContainer container, ImmutableArray<string> command, PodStreamOptions options, CancellationToken cancellation) =>
            Open(container, string.Join('|', command), options);

        public ValueTask<IPodSession> AttachAsync(PodContainer container, PodStreamOptions options, CancellationToken cancellation) => Open(container, "attached", options);

        private ValueTask<IPodSession> Open(PodContainer container, string what, PodStreamOptions options)
        {
            if (Refusal is { } refusal) throw refusal;
            Asked = $"{container.Node}: {container.Namespace}/{container.Pod}/{container.Container} {what} {options}";
            return new(Session);
        }
    }

    private sealed class FakeSession : IPodSession
    {
        private readonly Pipe _input = new(), _output = new(), _error = new();

        public FakeSession() => (Input, Output, Error) = (_input.Writer.AsStream(), _output.Reader.AsStream(), _error.Reader.AsStream());

        public Stream Input { get; }
        public Stream Output { get; }
        public Stream Error { get; }
        public TaskCompletionSource<int> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public TaskCompletionSource<(int, int)> Resized { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public bool Disposed { get; private set; }

        Task<int> IPodSession.Ended => Ended.Task;

        public void Resize(ushort columns, ushort rows) => Resized.TrySetResult((columns, rows));

        public ValueTask DisposeAsync()
        {
            Disposed = true;
            return ValueTask.CompletedTask;
        }

        public Task WriteAsync(string text) => _output.Writer.WriteAsync(Encoding.UTF8.GetBytes(text), Cancelled).AsTask();

        public Task WriteErrorAsync(string text) => _error.Writer.WriteAsync(Encoding.UTF8.GetBytes(text), Cancelled).AsTask();

        public void CloseOutputs()
        {
            _output.Writer.Complete();
            _error.Writer.Complete();
        }

        public void End(int exitCode)
        {
            Ended.SetResult(exitCode);
            CloseOutputs();
        }

        public void StopReading() => _input.Reader.Complete(new IOException("broken pipe"));

        public async Task<string> NextInputAsync()
        {
            var read = await _input.Reader.ReadAsync(Cancelled);
            var text = Encoding.UTF8.GetString(read.Buffer);
            _input.Reader.AdvanceTo(read.Buffer.End);
            return text;
        }

        public async Task<string> AllInputAsync()
        {
            using var reader = new StreamReader(_input.Reader.AsStream());
            return await reader.ReadToEndAsync(Cancelled);
        }
    }
}
