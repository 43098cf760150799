using System.Net;

namespace Mpi.Agent.Roles;

/// <summary>A worker's connection in the launcher, with the calls that go over it. A relay: streams and their credit are the two ends' matter.</summary>
internal sealed class WorkerConnection(AgentLink link, IPAddress launcherAddress)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, Action<Frame>> _calls = [];
    private uint _lastSession;
    private string? _lost;
    private bool _dismissed;

    public string Name => link.Peer.Name;

    public Guid Instance => link.Peer.Instance;

    /// <summary>The launcher's own address, as this worker reached it.</summary>
    public IPAddress LauncherAddress { get; } = launcherAddress;

    public void Abort() => link.Abort();

    public Task ProveAsync(CancellationToken cancellation) => link.ProveAsync(cancellation);

    /// <summary>A worker that is told that the job's command has ended is not lost, though what the command has left behind may still wait for it.</summary>
    public Task CloseAsync(Farewell why, TimeSpan limit)
    {
        _dismissed |= why == Farewell.Finished;
        return link.CloseAsync(why, limit);
    }

    /// <summary>
    /// Relays to the connection's end, which all calls then hear of. Returns how it ended, where that cut a call short and was not the launcher's own
    /// will, else null.
    /// </summary>
    public async Task<string?> RunAsync(CancellationToken cancellation)
    {
        try
        {
            var why = await link.RunAsync(Take, cancellation);
            return End(why) && !_dismissed ? why : null;
        }
        catch (OperationCanceledException)
        {
            End("the launcher ended");
            throw;
        }
    }

    /// <summary>Begins a call and returns its session; what the worker says of it goes to <paramref name="hear"/>.</summary>
    /// <exception cref="IOException">The connection has ended.</exception>
    public uint Begin(Action<Frame> hear)
    {
        lock (_lock)
        {
            if (_lost is { } why) throw new IOException(why);
            _calls.Add(++_lastSession, hear);
            return _lastSession;
        }
    }

    public void Post(in Frame frame) => link.Post(frame);

    /// <summary>The caller is gone; its program on the worker ends, if it still runs.</summary>
    public void Leave(uint session)
    {
        bool wasThere;
        lock (_lock) wasThere = _calls.Remove(session);
        if (wasThere) link.Post(Frame.Of(FrameType.Close, session));
    }

    private void Take(Frame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Bye:
                return;
            case FrameType.Data or FrameType.End or FrameType.Credit or FrameType.Exit or FrameType.Refused:
                break;
            default:
                throw new ProtocolException($"{frame.Type} from a worker");
        }

        Action<Frame>? hear;
        lock (_lock)
        {
            // What was under way to a caller that has left has no meaning.
            if (!_calls.TryGetValue(frame.Session, out hear)) return;
            if (frame.Type is FrameType.Exit or FrameType.Refused) _calls.Remove(frame.Session);
        }

        hear(frame);
    }

    /// <returns>Whether a call was under way.</returns>
    private bool End(string why)
    {
        KeyValuePair<uint, Action<Frame>>[] calls;
        lock (_lock)
        {
            _lost = why;
            calls = [.. _calls];
            _calls.Clear();
        }

        foreach (var (session, hear) in calls) hear(Messages.Refused(session, $"the worker is lost: {why}"));
        return calls.Length > 0;
    }
}
