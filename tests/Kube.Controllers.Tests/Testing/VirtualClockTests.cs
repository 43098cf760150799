using Kube.Testing;

namespace Kube.Controllers.Tests;

public sealed class VirtualClockTests
{
    [Fact]
    public void Timers_fire_in_due_order_with_the_clock_at_their_due_time()
    {
        var clock = new VirtualClock();
        var start = clock.GetUtcNow();
        var fired = new List<(string, TimeSpan)>();
        using var late = clock.CreateTimer(_ => fired.Add(("late", clock.GetUtcNow() - start)), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        using var early = clock.CreateTimer(_ => fired.Add(("early", clock.GetUtcNow() - start)), null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));

        clock.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal([("early", TimeSpan.FromSeconds(2)), ("early", TimeSpan.FromSeconds(4)), ("late", TimeSpan.FromSeconds(5)), ("early", TimeSpan.FromSeconds(6))], fired);
        Assert.Equal(start + TimeSpan.FromSeconds(8), clock.NextDue);
    }

    [Fact]
    public void A_delay_completes_inline_when_its_time_comes_and_not_before()
    {
        var clock = new VirtualClock();
        var delay = Task.Delay(TimeSpan.FromMinutes(1), clock);
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False(delay.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(delay.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_disposed_or_changed_timer_does_not_fire_at_its_old_time()
    {
        var clock = new VirtualClock();
        var fired = 0;
        var disposed = clock.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        using var changed = clock.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        disposed.Dispose();
        changed.Change(TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(0, fired);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, fired);
    }

    [Fact]
    public void Elapsed_time_survives_the_odd_timestamp_frequency()
    {
        var clock = new VirtualClock();
        var before = clock.GetTimestamp();
        clock.Advance(TimeSpan.FromHours(3));
        Assert.Equal(3, clock.GetElapsedTime(before).TotalHours, 6);
    }
}
