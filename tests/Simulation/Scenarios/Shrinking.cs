using System.Collections.Immutable;
using Mpi.Model;
using Mpi.Operator;
using Mpi.Testing;

namespace Simulation;

/// <summary>Makes of a scenario that goes wrong the smallest that goes wrong in the same way: without mishaps that do not matter, in a plainer world.</summary>
internal static class Shrinking
{
    /// <summary>Trials at most.</summary>
    private const int Most = 300;

    public static async Task<Scenario> ShrinkAsync(Scenario scenario, ViolationException violation, Func<OperatorParts, OperatorParts>? build = null)
    {
        var trials = 0;
        for (var smaller = scenario; smaller is not null && trials < Most;)
        {
            scenario = smaller;
            smaller = null;
            foreach (var candidate in Smaller(scenario))
            {
                if (trials++ == Most) break;
                var result = await Trial.PlayAsync(candidate, build);
                if (result.Violation?.Checker != violation.Checker) continue;
                smaller = candidate;
                break;
            }
        }

        return scenario;
    }

    /// <summary>The boldest first: half of the mishaps, one mishap less, then a plainer world.</summary>
    private static IEnumerable<Scenario> Smaller(Scenario scenario)
    {
        var mishaps = scenario.Mishaps;
        if (mishaps.Length > 2)
        {
            yield return scenario with { Mishaps = mishaps[(mishaps.Length / 2)..] };
            yield return scenario with { Mishaps = mishaps[..(mishaps.Length / 2)] };
        }

        for (var i = 0; i < mishaps.Length; i++) yield return scenario with { Mishaps = mishaps.RemoveAt(i) };
        ImmutableArray<Scenario> plainerWorlds =
        [
            scenario with { Agents = false }, scenario with { Candidates = 0 }, scenario with { Candidates = Math.Min(1, scenario.Candidates) }, scenario with { Gang = false }, scenario with { Origin = null }, scenario with { Elastic = false },
            scenario with { RestartsInPlace = false }, scenario with { RunsRanks = false }, scenario with { WaitsForWorkers = false }, scenario with { Ttl = null }, scenario with { BackoffLimit = null },
            scenario with { Transport = null }, scenario with { Cleanup = CleanPodPolicy.Running }, scenario with { Workers = 1 }, scenario with { Workers = Math.Max(1, scenario.Workers - 1) },
        ];
        foreach (var plainer in plainerWorlds)
        {
            if (plainer != scenario) yield return plainer;
        }
    }
}
