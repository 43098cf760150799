using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class LivenessTests
{
    private static readonly LivenessPace Pace = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20));

    [Fact]
    public void A_silent_peer_is_asked_and_then_lost()
    {
        var liveness = new Liveness(Pace, TimeSpan.Zero);
        var now = TimeSpan.Zero;
        var asked = new List<double>();
        while (true)
        {
            var step = liveness.Step(now);
            if (step.Ask) asked.Add(now.TotalSeconds);
            if (step.Lost) break;
            Assert.True(step.WakeAt > now);
            now = step.WakeAt;
        }

        Assert.Equal([5, 10, 15], asked);
        Assert.Equal(20, now.TotalSeconds);
    }

    [Fact]
    public void Anything_heard_begins_the_wait_anew()
    {
        var liveness = new Liveness(Pace, TimeSpan.Zero);
        liveness.Heard(TimeSpan.FromSeconds(19));

        var step = liveness.Step(TimeSpan.FromSeconds(20));
        Assert.False(step.Lost || step.Ask);
        Assert.Equal(TimeSpan.FromSeconds(24), step.WakeAt);
    }
}
