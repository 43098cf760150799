using Kube.Testing;

namespace Simulation;

/// <summary>Many faults at once, drawn from a seed. A failure names the seed; the same seed fails the same way.</summary>
public sealed class RandomFaultTests
{
    /// <summary>More seeds for a longer campaign: <c>KUBEMPI_SIMULATION_SEEDS=1000</c>.</summary>
    private static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("KUBEMPI_SIMULATION_SEEDS"), out var seeds) ? seeds : 24;

    [Fact]
    public async Task Whatever_goes_wrong_together_the_job_ends_the_same_and_comes_to_rest()
    {
        var plain = await SmokeRun.PlayAsync(new SimulationOptions(1));
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var run = await SmokeRun.PlayAsync(new SimulationOptions(seed) { Faults = Draw(seed), LeaderElection = seed % 2 == 0 });
            SmokeTests.Compare(plain, run, $"random faults of seed {seed}");
        }
    }

    /// <summary>Faults are fair: each stops after a while, so that every run can end.</summary>
    private static Faults Draw(int seed)
    {
        var random = new Random(seed);
        var left = 12;
        return new Faults
        {
            Name = $"random faults of seed {seed}",
            CrashBefore = [.. Enumerable.Range(0, random.Next(3)).Select(_ => random.Next(1, 30))],
            CrashAfter = [.. Enumerable.Range(0, random.Next(3)).Select(_ => random.Next(1, 30))],
            OnWrite = (_, _) => random.Next(6) > 0 || --left < 0 ? null : random.Next(5) switch
            {
                0 => Fault.Conflict(),
                1 => Fault.TooManyRequests(TimeSpan.FromSeconds(random.Next(1, 5))),
                2 => Fault.InternalError(),
                3 => Fault.Unreachable(),
                _ => Fault.TimeoutAfterLanding(),
            },
            OnEvent = (_, _) => random.Next(8) > 0 || --left < 0 ? null : random.Next(4) switch
            {
                0 => new WatchFault.Drop(),
                1 => new WatchFault.Duplicate(),
                2 => new WatchFault.Delay(TimeSpan.FromSeconds(random.Next(1, 30))),
                _ => new WatchFault.Cut(),
            },
        };
    }
}
