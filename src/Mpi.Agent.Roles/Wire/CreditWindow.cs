namespace Mpi.Agent.Roles;

/// <summary>
/// What the sender of a stream may still send before the receiver has used up what it got: so a slow reader holds up its
/// writer, as a pipe does, and nothing on the way has to hold more than <see cref="Size"/> bytes of a stream.
/// </summary>
public sealed class CreditWindow
{
    /// <summary>Bytes of one stream that may be under way.</summary>
    public const int Size = 256 * 1024;

    private readonly object _lock = new();
    private int _left = Size;
    private bool _closed;

    /// <summary>How much of <paramref name="wanted"/> may be sent now; waits while it is nothing. 0 when the stream is closed.</summary>
    public int Take(int wanted)
    {
        lock (_lock)
        {
            while (_left == 0 && !_closed) Monitor.Wait(_lock);
            if (_closed) return 0;
            var taken = Math.Min(wanted, _left);
            _left -= taken;
            return taken;
        }
    }

    /// <summary>The receiver has used up so many bytes.</summary>
    /// <exception cref="ProtocolException">It never got so many.</exception>
    public void Give(int count)
    {
        lock (_lock)
        {
            if (count > Size - _left) throw new ProtocolException("credit for more than was sent");
            _left += count;
            Monitor.PulseAll(_lock);
        }
    }

    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
        }
    }
}
