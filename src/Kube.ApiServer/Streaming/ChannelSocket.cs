using System.Buffers;
using System.Buffers.Text;
using System.Net.WebSockets;

namespace Kube.ApiServer;

/// <summary>A WebSocket whose messages belong to channels. Any number of senders, one receiver.</summary>
/// <param name="base64">Text messages, the channel as a digit and the bytes in base64: for clients in browsers.</param>
internal sealed class ChannelSocket(WebSocket socket, bool base64, TimeProvider time) : IDisposable
{
    /// <summary>Clients send pieces of some 32 KiB.</summary>
    private const int MessageBytesMax = 4 * 1024 * 1024;

    /// <summary>Where what cannot be read goes.</summary>
    private const byte NoChannel = 254;

    private static readonly TimeSpan GoodbyeLimit = TimeSpan.FromSeconds(5);
    private readonly SemaphoreSlim _sending = new(1, 1);
    private byte[] _received = new byte[64 * 1024];

    public async Task SendAsync(byte channel, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        var frame = ArrayPool<byte>.Shared.Rent(1 + (base64 ? Base64.GetMaxEncodedToUtf8Length(bytes.Length) : bytes.Length));
        var length = 1 + Write(channel, bytes.Span, frame);
        await _sending.WaitAsync(cancellation);
        try
        {
            await socket.SendAsync(frame.AsMemory(0, length), base64 ? WebSocketMessageType.Text : WebSocketMessageType.Binary, endOfMessage: true, cancellation);
        }
        finally
        {
            _sending.Release();
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    /// <summary>The next message; null when the client has gone, in order or not. The bytes are good until the next call.</summary>
    public async Task<(byte Channel, ReadOnlyMemory<byte> Bytes)?> ReceiveAsync(CancellationToken cancellation)
    {
        try
        {
            var length = 0;
            while (true)
            {
                var part = await socket.ReceiveAsync(_received.AsMemory(length), cancellation);
                if (part.MessageType == WebSocketMessageType.Close) return null;
                length += part.Count;
                if (part.EndOfMessage)
                {
                    // Nothing can be told from an empty message; some clients send one to keep the way open.
                    if (length > 0) return Read(length);
                    continue;
                }

                if (length == MessageBytesMax) return null;
                if (length == _received.Length) Array.Resize(ref _received, Math.Min(length * 2, MessageBytesMax));
            }
        }
        catch (Exception broken) when (broken is WebSocketException or ObjectDisposedException)
        {
            // The connection broke, which says the same as a close.
            return null;
        }
    }

    /// <summary>Says goodbye, and waits a moment for the client's own so that it has read everything.</summary>
    /// <param name="receiving">Completes when the client has gone.</param>
    public async Task CloseAsync(Task receiving, CancellationToken cancellation)
    {
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", cancellation);
        await Task.WhenAny(receiving, Task.Delay(GoodbyeLimit, time, cancellation));
    }

    /// <summary>The socket stays its owner's.</summary>
    public void Dispose() => _sending.Dispose();

    private int Write(byte channel, ReadOnlySpan<byte> bytes, Span<byte> frame)
    {
        if (base64)
        {
            frame[0] = (byte)('0' + channel);
            Base64.EncodeToUtf8(bytes, frame[1..], out _, out var written);
            return written;
        }

        frame[0] = channel;
        bytes.CopyTo(frame[1..]);
        return bytes.Length;
    }

    private (byte Channel, ReadOnlyMemory<byte> Bytes) Read(int length)
    {
        if (!base64) return (_received[0], _received.AsMemory(1, length - 1));
        var text = _received.AsSpan(1, length - 1);
        return Base64.DecodeFromUtf8InPlace(text, out var decoded) == OperationStatus.Done
            ? ((byte)(_received[0] - '0'), _received.AsMemory(1, decoded))
            : (NoChannel, default);
    }
}
