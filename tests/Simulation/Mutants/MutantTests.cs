using Mpi.Testing;
using Xunit.Sdk;

namespace Simulation;

/// <summary>
/// Whether the simulation would notice: each broken operator must be found out by a run of those that the suite makes anyhow, the seeds and
/// the named scenarios of <see cref="ExplorationTests"/> and the faults at each write of <see cref="SmokeTests"/>. That the operator as it is passes them all, those show.
/// </summary>
public sealed class MutantTests
{
    /// <summary>The writes of the smoke test's job.</summary>
    private const int SmokeWrites = 2 + 12;

    public static TheoryData<string> Mistakes => [.. Mutants.All.Select(static m => m.Name)];

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task An_operator_with_a_mistake_is_found_out(string mistake)
    {
        var mutant = Mutants.All.Single(m => m.Name == mistake);
        var runs = Runs(mutant, Exploration.OrdinarySeeds).ToList();
        // Who is found out by one of them is found out by all of them: the known one is tried first.
        Assert.True(await HuntAsync(runs.OrderBy(r => r.Name != mutant.Finder)) is not null, $"the operator whose mistake is \"{mistake}\" survived {runs.Count} runs, {Exploration.OrdinarySeeds} of them seeds: a checker or a scenario is missing");
    }

    [Fact]
    public void There_are_many_mistakes_and_each_has_a_name_of_its_own()
    {
        Assert.True(Mutants.All.Length >= 25);
        Assert.Distinct(Mutants.All.Select(static m => m.Name));
    }

    /// <summary><c>--mutants [WORD...]</c>: which run is the first to find which mutant, and by what.</summary>
    /// <returns>The program's exit code.</returns>
    internal static async Task<int> MainAsync(string[] args)
    {
        var (chosen, survivors) = (Mutants.All.Where(m => args.Length < 2 || args.Skip(1).Any(w => m.Name.Contains(w, StringComparison.Ordinal))).ToList(), 0);
        foreach (var mutant in chosen)
        {
            var found = await HuntAsync(Runs(mutant, ExplorationTests.Seeds));
            if (found is null) survivors++;
            await Console.Out.WriteLineAsync($"{mutant.Name,-62} {found?.Run ?? "SURVIVES",-18} {found?.How.Split('\n')[0]}");
        }

        await Console.Out.WriteLineAsync($"{chosen.Count} mutants, {survivors} survivors");
        return survivors == 0 ? 0 : 1;
    }

    private static async Task<(string Run, string How)?> HuntAsync(IEnumerable<(string Name, Func<Task<string?>> PlayAsync)> runs)
    {
        foreach (var run in runs)
        {
            if (await run.PlayAsync() is { } how) return (run.Name, how);
        }

        return null;
    }

    /// <summary>Each tells what was wrong, or null.</summary>
    private static IEnumerable<(string Name, Func<Task<string?>> PlayAsync)> Runs(Mutant mutant, int seeds)
    {
        var plain = new Dictionary<bool, SmokeRun.Result>();
        return
        [
            .. Enumerable.Range(1, seeds).Select(seed => ($"seed {seed}", Play(Scenario.Draw(seed)))),
            .. NamedScenario.All.Select(named => (named.Name, Play(named.Scenario))),
            .. SmokeTests.Sweep(SmokeWrites).Select(s => (s.Faults.Name, (Func<Task<string?>>)(() => SmokeAsync(s.Faults, s.Election)))),
        ];

        Func<Task<string?>> Play(Scenario scenario) => async () => (await Trial.PlayAsync(scenario, mutant.Break)).Violation?.Message;

        async Task<string?> SmokeAsync(Faults faults, bool election)
        {
            try
            {
                if (!plain.TryGetValue(election, out var calm)) plain[election] = calm = await PlayAsync(Faults.None);
                SmokeTests.Compare(calm, await PlayAsync(faults), faults.Name);
                return null;
            }
            catch (SimulationException broken)
            {
                return broken.InnerException?.Message ?? broken.Message;
            }
            catch (XunitException broken)
            {
                return broken.Message;
            }

            Task<SmokeRun.Result> PlayAsync(Faults of) => SmokeRun.PlayAsync(new SimulationOptions(SmokeTests.Seed) { Faults = of, LeaderElection = election, Build = mutant.Break });
        }
    }
}
