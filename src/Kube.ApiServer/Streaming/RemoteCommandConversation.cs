using System.Buffers;
using System.Text.Json;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// One exec or attach, from the accepted WebSocket to its end. Bytes go both ways at the pace of the slower side: nothing is
/// kept but one buffer a direction. A client that goes away ends the session, and with it a process that was started for it.
/// </summary>
internal sealed class RemoteCommandConversation(PodStreamOptions options, Func<CancellationToken, ValueTask<IPodSession>> open, ChannelSocket channels)
{
    private const int BufferBytes = 32 * 1024;

    public async Task RunAsync(CancellationToken cancellation)
    {
        IPodSession session;
        try
        {
            session = await open(cancellation);
        }
        catch (ApiException refused)
        {
            await channels.SendAsync(RemoteCommand.Result, InternalError(refused.Status), cancellation);
            await channels.CloseAsync(ReceiveAsync(null, CancellationToken.None, cancellation), cancellation);
            return;
        }

        await using (session) await ConverseAsync(session, cancellation);
    }

    private async Task ConverseAsync(IPodSession session, CancellationToken cancellation)
    {
        // Tells the client that the session is open, as the kubelet does: an empty message on the first channel that has a reader.
        await channels.SendAsync(options.Output ? RemoteCommand.Output : options.Error ? RemoteCommand.Error : RemoteCommand.Result, default, cancellation);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var incoming = ReceiveAsync(session, over.Token, cancellation);
        var outgoing = SendAllAsync(session, over.Token);
        var first = await Task.WhenAny(incoming, outgoing);
        await over.CancelAsync();
        if (first == outgoing)
        {
            await channels.SendAsync(RemoteCommand.Result, RemoteCommand.ResultOf(await outgoing).ToUtf8(), cancellation);
            await channels.CloseAsync(incoming, cancellation);
        }
        else
        {
            // The client has gone: what was on its way to it is given up.
            await Task.WhenAny(outgoing);
            await incoming;
        }
    }

    private async Task<int> SendAllAsync(IPodSession session, CancellationToken cancellation)
    {
        await Task.WhenAll(
            SendAsync(session.Output, RemoteCommand.Output, options.Output, cancellation),
            SendAsync(session.Error, RemoteCommand.Error, options.Error, cancellation));
        return await session.Ended.WaitAsync(cancellation);
    }

    private async Task SendAsync(Stream from, byte channel, bool wanted, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer, cancellation)) > 0)
            {
                if (wanted) await channels.SendAsync(channel, buffer.AsMemory(0, read), cancellation);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Hands on what the client sends, until it goes away; when the session is over, what still comes is let go.</summary>
    /// <param name="over">Ends waiting for the process, and not waiting for the client: that would break the connection.</param>
    private async Task ReceiveAsync(IPodSession? session, CancellationToken over, CancellationToken cancellation)
    {
        var reads = options.Input;
        while (await channels.ReceiveAsync(cancellation) is { } message)
        {
            if (session is null || over.IsCancellationRequested) continue;
            switch (message.Channel)
            {
                case RemoteCommand.Input when reads:
                    reads = await WriteAsync(session.Input, message.Bytes, over);
                    break;
                case RemoteCommand.Resize:
                    if (ReadSize(message.Bytes) is { } size) session.Resize(size.Columns, size.Rows);
                    break;
                case RemoteCommand.Close when reads && message.Bytes.Span is [RemoteCommand.Input]:
                    reads = false;
                    await session.Input.DisposeAsync();
                    break;
            }
        }
    }

    /// <returns>False once the process reads no more; what the client still sends is then let go, as a pipe's writer would be told.</returns>
    private static async Task<bool> WriteAsync(Stream input, ReadOnlyMemory<byte> bytes, CancellationToken over)
    {
        try
        {
            await input.WriteAsync(bytes, over);
            return true;
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException or OperationCanceledException)
        {
            return false;
        }
    }

    private static (ushort Columns, ushort Rows)? ReadSize(ReadOnlyMemory<byte> json)
    {
        try
        {
            var size = JsonElement.Parse(json.Span, JsonLimits.Options);
            return size.Integer("Width") is >= 0 and <= ushort.MaxValue and var columns && size.Integer("Height") is >= 0 and <= ushort.MaxValue and var rows ? ((ushort)columns, (ushort)rows) : null;
        }
        catch (JsonException)
        {
            // A size that cannot be read changes nothing.
            return null;
        }
    }

    /// <summary>A failure behind the upgrade, in the form in which kube-apiserver passes a node's on.</summary>
    private static byte[] InternalError(ApiStatus refused)
    {
        var status = new ApiStatus(500, ApiReason.InternalError, $"Internal error occurred: {refused.Message}") { Causes = [new ApiStatusCause("", refused.Message, "")] }.ToTree();
        status.Remove("kind");
        status.Remove("apiVersion");
        return status.ToUtf8();
    }
}
