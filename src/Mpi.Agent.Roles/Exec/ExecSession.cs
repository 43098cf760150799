using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;

namespace Mpi.Agent.Roles;

/// <summary>
/// One command in one container, over a WebSocket whose messages are a byte that names a channel and then its bytes (KEP-4006). The
/// connection itself is the back-pressure: what is not taken from it holds the command up.
/// </summary>
internal sealed class ExecSession(WebSocket socket, ApiConnection connection) : IAsyncDisposable
{
    private const byte Input = 0, Output = 1, Error = 2, Result = 3, Close = 255;
    private const int ResultBytesMax = 64 * 1024;

    /// <summary>Runs until the command has ended, and returns its exit code.</summary>
    /// <param name="input">Null for none. Its end ends the command's input where the server knows how (v5, Kubernetes 1.30).</param>
    /// <param name="take">Gets what the command writes, error or output, piece by piece.</param>
    /// <exception cref="ExecException">The command did not run.</exception>
    /// <exception cref="IOException">The connection ended before it.</exception>
    public async Task<int> RunAsync(IAsyncEnumerable<ReadOnlyMemory<byte>>? input, Action<bool, ReadOnlyMemory<byte>> take, CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var sending = input is null ? Task.CompletedTask : SendAsync(input, ended.Token);
        try
        {
            return await ReceiveAsync(take, cancellation);
        }
        catch (WebSocketException broken)
        {
            throw new IOException($"the connection through the API server broke before the command ended: {broken.Message}", broken);
        }
        finally
        {
            await ended.CancelAsync();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SendAsync(IAsyncEnumerable<ReadOnlyMemory<byte>> input, CancellationToken cancellation)
    {
        await foreach (var piece in input.WithCancellation(cancellation)) await SendAsync([Input, .. piece.Span], cancellation);
        if (socket.SubProtocol == ExecHandshake.V5) await SendAsync([Close, Input], cancellation);
    }

    private ValueTask SendAsync(byte[] message, CancellationToken cancellation) =>
        socket.SendAsync((ReadOnlyMemory<byte>)message, WebSocketMessageType.Binary, endOfMessage: true, cancellation);

    private async Task<int> ReceiveAsync(Action<bool, ReadOnlyMemory<byte>> take, CancellationToken cancellation)
    {
        var buffer = new byte[32 * 1024];
        var result = new List<byte>();
        byte? channel = null;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), cancellation);
            if (part.MessageType == WebSocketMessageType.Close) throw new IOException("the API server ended the connection before the command's end came");
            var bytes = buffer.AsMemory(0, part.Count);
            if (channel is null && bytes.Length > 0) (channel, bytes) = (bytes.Span[0], bytes[1..]);
            if (channel is Output or Error && bytes.Length > 0) take(channel == Error, bytes);
            if (channel == Result) result.AddRange(bytes.Span[..Math.Min(bytes.Length, ResultBytesMax - result.Count)]);
            if (!part.EndOfMessage) continue;
            // Servers send an empty message on each channel when they begin.
            if (channel == Result && result.Count > 0) return ExitCode(result.ToArray());
            channel = null;
        }
    }

    /// <summary>
    /// From the last message, a <c>Status</c>:
    /// <code>{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}</code>
    /// </summary>
    private static int ExitCode(byte[] result)
    {
        try
        {
            using var status = JsonDocument.Parse(result);
            var root = status.RootElement;
            if (Text(root, "status") == "Success") return 0;
            if (Text(root, "reason") == "NonZeroExitCode" && root.TryGetProperty("details", out var details) && details.TryGetProperty("causes", out var causes))
            {
                foreach (var cause in causes.EnumerateArray())
                {
                    if (Text(cause, "reason") == "ExitCode" && int.TryParse(Text(cause, "message"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var code)) return code;
                }
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            throw new IOException($"the API server told the command's end in words that are no Status: {fault.Message}", fault);
        }

        throw ExecException.Of(500, result, "the command did not run, and the API server does not say why", began: true);
    }

    private static string? Text(JsonElement of, string member) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        await connection.DisposeAsync();
    }
}
