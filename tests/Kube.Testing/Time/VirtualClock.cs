namespace Kube.Testing;

/// <summary>
/// Time that passes only when told to. Timers fire in the order of their due times (those of one instant in the order of
/// their making), inline on the advancing thread, with the clock standing at their due time. Timers may be made and
/// disposed on any thread; one thread advances.
/// </summary>
public sealed class VirtualClock : TimeProvider
{
    // No multiple of the tick (10 MHz) or of a second's usual parts: code that mixes up timestamps and ticks shows at once.
    private const long Frequency = 3_579_545;

    private readonly Lock _gate = new();
    private readonly PriorityQueue<Firing, (DateTimeOffset Due, long Order)> _firings = new();
    private readonly DateTimeOffset _start;
    private DateTimeOffset _now;
    private long _order;
    private bool _advancing;

    public VirtualClock() : this(new DateTimeOffset(2026, 3, 1, 9, 0, 0, TimeSpan.Zero)) { }

    public VirtualClock(DateTimeOffset start) => _start = _now = start;

    /// <summary>When the next timer fires; null when none is set.</summary>
    public DateTimeOffset? NextDue
    {
        get { lock (_gate) return NextFiring()?.Due; }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return _now;
    }

    public override long TimestampFrequency => Frequency;

    public override long GetTimestamp() => (long)((Int128)(GetUtcNow() - _start).Ticks * Frequency / TimeSpan.TicksPerSecond);

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        AdvanceTo(GetUtcNow() + by);
    }

    /// <summary>Fires every timer due up to <paramref name="target"/>, those included that firing ones set on the way.</summary>
    public void AdvanceTo(DateTimeOffset target)
    {
        lock (_gate)
        {
            if (_advancing) throw new InvalidOperationException("A timer's callback advanced the clock; only the driver of the clock may.");
            _advancing = true;
        }

        try
        {
            while (TakeDue(target) is { } firing) firing.Timer.Fire(firing);
            lock (_gate) if (_now < target) _now = target;
        }
        finally
        {
            lock (_gate) _advancing = false;
        }
    }

    /// <summary>Goes to the next timer and fires all that are due then. False when none is set.</summary>
    public bool AdvanceToNextTimer()
    {
        if (NextDue is not { } due) return false;
        AdvanceTo(due);
        return true;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private Firing? TakeDue(DateTimeOffset target)
    {
        lock (_gate)
        {
            if (NextFiring() is not { } next || next.Due > target) return null;
            _firings.Dequeue();
            if (_now < next.Due) _now = next.Due;
            return next;
        }
    }

    // A changed or disposed timer leaves its old firing behind, which is dropped when it comes to the front.
    private Firing? NextFiring()
    {
        while (_firings.TryPeek(out var next, out _))
        {
            if (ReferenceEquals(next.Timer.Armed, next)) return next;
            _firings.Dequeue();
        }

        return null;
    }

    private sealed record Firing(VirtualTimer Timer, DateTimeOffset Due);

    private sealed class VirtualTimer(VirtualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period = Timeout.InfiniteTimeSpan;
        private bool _disposed;

        /// <summary>The one firing that still counts; guarded by the clock's lock.</summary>
        public Firing? Armed { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                if (_disposed) return false;
                _period = period;
                Arm(dueTime);
                return true;
            }
        }

        public void Fire(Firing firing)
        {
            lock (clock._gate)
            {
                if (!ReferenceEquals(Armed, firing)) return;
                Arm(_period > TimeSpan.Zero ? _period : Timeout.InfiniteTimeSpan);
            }

            callback(state);
        }

        public void Dispose()
        {
            lock (clock._gate)
            {
                _disposed = true;
                Armed = null;
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Arm(TimeSpan wait)
        {
            Armed = wait < TimeSpan.Zero ? null : new Firing(this, clock._now + wait);
            if (Armed is { } armed) clock._firings.Enqueue(armed, (armed.Due, clock._order++));
        }
    }
}
