namespace Kube.Client;

/// <summary>Waiting for a point in time.</summary>
internal static class DueTime
{
    /// <summary>Timers count in milliseconds and have a longest time. A wait may end early, and whoever waits then looks again.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>
    /// Never ends before the time within its last millisecond: a timer rounds down, and a wait that ends a fraction too early
    /// would be begun again and again until the fraction has passed, which in virtual time is never.
    /// </summary>
    public static Task WaitAsync(DateTimeOffset due, TimeProvider time, CancellationToken cancellation)
    {
        var left = due - time.GetUtcNow();
        if (left <= TimeSpan.Zero) return Task.CompletedTask;
        return Task.Delay(left > Longest ? Longest : TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), time, cancellation);
    }
}
