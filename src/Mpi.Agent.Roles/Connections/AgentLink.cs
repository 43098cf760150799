using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Mpi.Agent.Roles;

/// <summary>
/// A greeted connection between a worker and a launcher: answers and asks for signs of life, and hands over the rest.
/// </summary>
public sealed class AgentLink(FrameLink frames, Hello peer, TimeProvider time, LivenessPace pace) : IAsyncDisposable
{
    private readonly long _start = time.GetTimestamp();
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<bool>> _proofs = new();
    private ulong _lastPing;

    public Hello Peer => peer;

    public void Post(in Frame frame) => frames.Post(frame);

    public void Abort() => frames.Abort();

    /// <summary>Takes frames until the connection ends, and returns why it did, in words.</summary>
    /// <param name="take">Gets every frame but signs of life. A <see cref="ProtocolException"/> of it ends the connection.</param>
    public async Task<string> RunAsync(Action<Frame> take, CancellationToken cancellation)
    {
        var liveness = new Liveness(pace, time.GetElapsedTime(_start));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = WatchAsync(liveness, ended.Token);
        string why;
        try
        {
            while (true)
            {
                if (await frames.ReadAsync(cancellation) is not { } frame)
                {
                    why = watching.IsCompletedSuccessfully ? $"no sign of life for {pace.LostAfter.TotalSeconds:0} s" : "the connection was closed";
                    break;
                }

                lock (liveness) liveness.Heard(time.GetElapsedTime(_start));
                if (!TakeSign(frame)) take(frame);
            }
        }
        catch (ProtocolException fault)
        {
            why = $"protocol error: {fault.Message}";
        }
        catch (IOException fault)
        {
            why = (fault.InnerException ?? fault).Message;
        }

        ended.End();
        await watching.WithoutThrowing();
        frames.Abort();
        foreach (var proof in _proofs.Values) proof.TrySetException(new IOException(why));
        return why;
    }

    /// <summary>One round trip: the other side is there, reads and answers. <see cref="RunAsync"/> must be running.</summary>
    /// <exception cref="IOException">The connection ended before.</exception>
    public async Task ProveAsync(CancellationToken cancellation)
    {
        var number = Interlocked.Increment(ref _lastPing);
        var answered = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _proofs[number] = answered;
        try
        {
            frames.Post(Ping(number));
            await answered.OrCancelledAsync(cancellation);
        }
        finally
        {
            _proofs.TryRemove(number, out _);
        }
    }

    private bool TakeSign(in Frame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Ping when frame.Payload.Length == sizeof(ulong):
                frames.Post(frame with { Type = FrameType.Pong });
                return true;
            case FrameType.Pong when frame.Payload.Length == sizeof(ulong):
                if (_proofs.TryGetValue(BinaryPrimitives.ReadUInt64BigEndian(frame.Payload.Span), out var proof)) proof.TrySetResult(true);
                return true;
            case FrameType.Ping or FrameType.Pong or FrameType.Hello or FrameType.Open or FrameType.Opened:
                throw new ProtocolException($"{frame.Type} out of place");
            default:
                return false;
        }
    }

    /// <summary>Ends when the other side is lost, and the connection with it.</summary>
    private async Task WatchAsync(Liveness liveness, CancellationToken cancellation)
    {
        while (true)
        {
            LivenessStep step;
            var now = time.GetElapsedTime(_start);
            lock (liveness) step = liveness.Step(now);
            if (step.Lost) break;
            if (step.Ask) frames.Post(Ping(Interlocked.Increment(ref _lastPing)));
            await Task.Delay((step.WakeAt - now).InFull(), time, cancellation);
        }

        frames.Abort();
    }

    private static Frame Ping(ulong number)
    {
        var payload = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(payload, number);
        return new Frame(FrameType.Ping, 0, payload);
    }

    public Task CloseAsync(Farewell why, TimeSpan limit)
    {
        frames.Post(Messages.Bye(why));
        return frames.CloseAsync(limit, time);
    }

    public ValueTask DisposeAsync() => frames.DisposeAsync();
}
