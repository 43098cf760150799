using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Client;

/// <summary>
/// A command that runs in a container of the cluster. Read <see cref="Output"/> and <see cref="Error"/> to their ends, both at a time:
/// they share one connection, and what nobody reads holds everything up, the command too. Disposal goes away from it; the local
/// cluster then ends the command, a real one may let it run on.
/// </summary>
public sealed class RemoteProcess : IAsyncDisposable
{
    /// <summary>Servers send pieces of some 32 KiB.</summary>
    private const int MessageBytesMax = 16 * 1024 * 1024;

    private readonly WebSocket _socket;
    private readonly HttpResponseMessage _connection;
    private readonly string _name;
    private readonly Pipe _output = new();
    private readonly Pipe _error = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly CancellationTokenSource _left = new();
    private readonly Task<int> _ended;

    /// <param name="socket">Open, and spoken in <see cref="RemoteCommand"/>'s channels; disposed with this.</param>
    internal RemoteProcess(WebSocket socket, HttpResponseMessage connection, string name)
    {
        _socket = socket;
        _connection = connection;
        _name = name;
        Output = _output.Reader.AsStream();
        Error = _error.Reader.AsStream();
        Input = new InputStream(this);
        _ended = ReceiveAllAsync();
    }

    /// <summary>The command's standard input. Disposal ends it, where <see cref="InputEnds"/>.</summary>
    public Stream Input { get; }

    public Stream Output { get; }

    public Stream Error { get; }

    /// <summary>Whether the server understands the end of the input (<c>v5.channel.k8s.io</c>, Kubernetes 1.30); to others it never ends.</summary>
    public bool InputEnds => _socket.SubProtocol == RemoteCommand.V5;

    /// <summary>Waits for the command's end and returns its exit code.</summary>
    /// <exception cref="ApiException">The command could not be run; the message is the node's.</exception>
    /// <exception cref="HttpRequestException">The connection broke before the result came.</exception>
    public Task<int> WaitAsync(CancellationToken cancellation) => _ended.WaitAsync(cancellation);

    /// <summary>Tells the command's terminal its size in characters.</summary>
    public ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellation) =>
        SendAsync(RemoteCommand.Resize, new JsonObject { ["Width"] = columns, ["Height"] = rows }.ToUtf8(), cancellation);

    public async ValueTask DisposeAsync()
    {
        if (_left.IsCancellationRequested) return;
        await _left.CancelAsync();
        await Output.DisposeAsync();
        await Error.DisposeAsync();
        _socket.Dispose();
        _connection.Dispose();
        await Task.WhenAny(_ended);
        _sending.Dispose();
        _left.Dispose();
    }

    private async ValueTask SendAsync(byte channel, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        byte[] message = [channel, .. bytes.Span];
        await _sending.WaitAsync(cancellation);
        try
        {
            await _socket.SendAsync((ReadOnlyMemory<byte>)message, WebSocketMessageType.Binary, endOfMessage: true, cancellation);
        }
        catch (WebSocketException gone)
        {
            throw new IOException($"{_name}: {gone.Message}", gone);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task<int> ReceiveAllAsync()
    {
        ReadOnlyMemory<byte>? result = null;
        try
        {
            var buffer = new byte[64 * 1024];
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    if (length == buffer.Length) Array.Resize(ref buffer, length < MessageBytesMax ? length * 2 : throw new HttpRequestException($"{_name}: a message is longer than {MessageBytesMax} bytes"));
                    part = await _socket.ReceiveAsync(buffer.AsMemory(length), _left.Token);
                    length += part.Count;
                }
                while (!part.EndOfMessage);

                if (part.MessageType == WebSocketMessageType.Close) break;
                if (length < 2) continue;
                var bytes = buffer.AsMemory(1, length - 1);
                switch (buffer[0])
                {
                    case RemoteCommand.Output:
                        await _output.Writer.WriteAsync(bytes, _left.Token);
                        break;
                    case RemoteCommand.Error:
                        await _error.Writer.WriteAsync(bytes, _left.Token);
                        break;
                    case RemoteCommand.Result:
                        result = bytes.ToArray();
                        break;
                }
            }
        }
        catch (WebSocketException broken) when (result is null)
        {
            throw new HttpRequestException(HttpRequestError.ResponseEnded, $"{_name}: {broken.Message}", broken);
        }
        catch (WebSocketException)
        {
            // The result had come; how the server hung up says nothing more.
        }
        catch (OperationCanceledException left)
        {
            throw new HttpRequestException(HttpRequestError.ResponseEnded, $"{_name}: left before its end", left);
        }
        finally
        {
            await _output.Writer.CompleteAsync();
            await _error.Writer.CompleteAsync();
        }

        return result is { } status ? ExitCode(status.Span) : throw new HttpRequestException(HttpRequestError.ResponseEnded, $"{_name}: the connection ended before the command's result came");
    }

    private static int ExitCode(ReadOnlySpan<byte> result)
    {
        // A Status, which here comes without its kind.
        var tree = JsonNode.Parse(result) as JsonObject ?? [];
        if ((string?)tree["status"] == "Success") return 0;
        tree["kind"] = "Status";
        var status = ApiStatus.Read(500, tree.ToUtf8());
        return RemoteCommand.ExitCodeOf(status.Reason, status.Causes) ?? throw new ApiException(status);
    }

    private sealed class InputStream(RemoteProcess process) : Stream
    {
        private bool _ended;

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => !_ended;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            const int pieceBytes = 32 * 1024;
            while (!buffer.IsEmpty)
            {
                var piece = buffer[..Math.Min(pieceBytes, buffer.Length)];
                await process.SendAsync(RemoteCommand.Input, piece, cancellationToken);
                buffer = buffer[piece.Length..];
            }
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async ValueTask DisposeAsync()
        {
            if (!_ended)
            {
                _ended = true;
                if (process.InputEnds && !process._ended.IsCompleted) await process.SendAsync(RemoteCommand.Close, new[] { RemoteCommand.Input }, process._left.Token);
            }

            await base.DisposeAsync();
        }

        public override void Flush() { }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("the input is written asynchronously");
    }
}
