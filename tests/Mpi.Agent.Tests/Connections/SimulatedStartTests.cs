using Mpi.Agent.Protocol;

namespace Mpi.Agent.Tests;

public sealed class SimulatedStartTests
{
    /// <summary>How long a call waits for its worker before it fails, and with it the launcher.</summary>
    private static readonly TimeSpan CallLimit = TimeSpan.FromMinutes(2);

    [Fact]
    public void Of_a_thousand_starts_with_random_skew_none_costs_a_launcher_restart()
    {
        for (var seed = 0; seed < 1000; seed++)
        {
            var start = new SimulatedStart(seed);

            start.Run();

            var opened = Assert.NotNull(start.Opened);
            Assert.True(opened.How == GateOpening.Proven, $"seed {seed}: the gate gave up");
            Assert.True(opened.At <= start.AllRunAt + TimeSpan.FromMinutes(2), $"seed {seed}: proven {opened.At - start.AllRunAt} after the last pod came up");
            Assert.True(start.LongestCall < CallLimit, $"seed {seed}: a call failed");
        }
    }

    [Fact]
    public void The_gap_between_the_gate_and_the_launchers_first_call_costs_a_call_little()
    {
        var waits = Enumerable.Range(0, 300).Select(static seed =>
        {
            var start = new SimulatedStart(seed);
            start.Run();
            return start.LongestCall!.Value;
        }).Order().ToArray();

        Assert.True(waits[waits.Length / 2] < TimeSpan.FromMilliseconds(150), $"median {waits[waits.Length / 2]}");
    }

    [Fact]
    public void The_same_seed_is_the_same_start()
    {
        var (first, second) = (new SimulatedStart(7), new SimulatedStart(7));
        first.Run();
        second.Run();

        Assert.Equal((first.Opened, first.LongestCall), (second.Opened, second.LongestCall));
    }
}
