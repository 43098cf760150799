namespace Kube.Testing;

/// <summary>
/// The clock of one machine: the time of day may be wrong and jump, while spans and timers go on as ever (a monotonic clock does not
/// jump).
/// </summary>
public sealed class SkewedClock(TimeProvider truth) : TimeProvider
{
    /// <summary>How far it is ahead.</summary>
    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => truth.GetUtcNow() + Ahead;

    /// <summary>A time of this clock in the time of the true one.</summary>
    public DateTimeOffset? ToTruth(DateTimeOffset? time) => time - Ahead;

    public override long TimestampFrequency => truth.TimestampFrequency;

    public override long GetTimestamp() => truth.GetTimestamp();

    public override TimeZoneInfo LocalTimeZone => truth.LocalTimeZone;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => truth.CreateTimer(callback, state, dueTime, period);
}
