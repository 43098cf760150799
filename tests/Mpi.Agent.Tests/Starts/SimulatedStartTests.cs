using Mpi.Agent.Protocol;

namespace Mpi.Agent.Tests;

/// <summary>
/// Starts with random skew, each from its seed: a failure prints it, and <c>KUBEMPI_START=SEED</c> plays that one alone and tells its story. More of
/// them by <c>KUBEMPI_SIMULATION_SEEDS</c>.
/// </summary>
public sealed class SimulatedStartTests(ITestOutputHelper output)
{
    private static readonly int Starts = int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_SIMULATION_SEEDS"), out var starts) ? starts : 250;

    [Fact]
    public void Of_hundreds_of_starts_with_random_skew_none_costs_a_launcher_restart()
    {
        var (mishaps, slowest, waits) = (0, TimeSpan.Zero, new List<TimeSpan>());
        foreach (var seed in Seeds())
        {
            var start = Played(seed);

            var (at, report) = Assert.NotNull(start.Opened);
            Held(start, seed, report.Opened == GateOpening.Proven && report.Proven == start.Workers, $"the gate gave up: {report}");
            Held(start, seed, start.AwayAtOpening.IsEmpty, $"the gate opened without {string.Join(", ", start.AwayAtOpening)}");
            Held(start, seed, at <= start.AllRunAt + TimeSpan.FromMinutes(2), $"proven {at - start.AllRunAt} after the last pod came up");
            Held(start, seed, start.FailedCalls.Count == 0, $"mpirun failed: {string.Join("; ", start.FailedCalls)}");
            Held(start, seed, start.Started == start.Workers, $"{start.Started} daemons on {start.Workers} workers");
            mishaps += start.Mishaps;
            slowest = at - start.AllRunAt > slowest ? at - start.AllRunAt : slowest;
            waits.Add(start.CallsTook);
        }

        waits.Sort();
        var median = waits[waits.Count / 2];
        output.WriteLine($"{waits.Count} starts, {mishaps} mishaps; the slowest gate opened {slowest.TotalSeconds:0.0} s after the last pod came up; from the launcher's first call to the last daemon's start: median {median.TotalMilliseconds:0} ms, longest {waits[^1].TotalSeconds:0.0} s");
        // The gap between the gate and the launcher's own process costs its calls little.
        Assert.True(median < TimeSpan.FromSeconds(0.5), $"median {median}");
        // Else this would test little.
        Assert.True(mishaps >= waits.Count / 2 || waits.Count == 1, $"{mishaps} mishaps");
    }

    [Fact]
    public void The_same_seed_is_the_same_start() => Assert.Equal(Played(7).Story, Played(7).Story);

    private static IEnumerable<int> Seeds() => int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_START"), out var seed) ? [seed] : Enumerable.Range(0, Starts);

    private SimulatedStart Played(int seed)
    {
        var start = new SimulatedStart(seed);
        try
        {
            start.Run();
        }
        catch (Exception fault)
        {
            Assert.Fail($"seed {seed}: {fault}\n{start.Story}");
        }

        if (Environment.GetEnvironmentVariable("KUBEMPI_START") is not null) output.WriteLine(start.Story);
        return start;
    }

    private static void Held(SimulatedStart start, int seed, bool held, string why)
    {
        if (!held) Assert.Fail($"seed {seed}: {why}\n{start.Story}");
    }
}
