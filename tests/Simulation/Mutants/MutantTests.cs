using System.Globalization;
using Mpi.Testing;

namespace Simulation;

/// <summary>
/// Whether the simulation would notice: each broken operator must be found out by a seed of those that an ordinary run explores
/// (<see cref="ExplorationTests"/>, which shows that the operator as it is passes them all).
/// </summary>
public sealed class MutantTests
{
    public static TheoryData<string> Mistakes => [.. Mutants.All.Select(static m => m.Name)];

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task An_operator_with_a_mistake_is_found_out(string mistake)
    {
        var mutant = Mutants.All.Single(m => m.Name == mistake);
        Assert.True(await HuntAsync(mutant, known: true) is not null, $"the operator in which {mistake} survived {Exploration.OrdinarySeeds} seeds: a checker or a scenario is missing");
    }

    [Fact]
    public void There_are_many_mistakes_and_each_has_a_name_of_its_own()
    {
        Assert.True(Mutants.All.Length >= 25);
        Assert.Distinct(Mutants.All.Select(static m => m.Name));
    }

    /// <summary><c>--mutants [WORD]</c>: which seed finds which mutant first, and what gave it away.</summary>
    /// <returns>The program's exit code.</returns>
    internal static async Task<int> MainAsync(string[] args)
    {
        var survivors = 0;
        foreach (var mutant in Mutants.All.Where(m => args.Length < 2 || m.Name.Contains(args[1], StringComparison.Ordinal)))
        {
            var found = await HuntAsync(mutant, known: false);
            if (found is null) survivors++;
            var how = found is var (seed, violation) ? string.Create(CultureInfo.InvariantCulture, $"{seed,4}  {violation.Message.Split('\n')[0]}") : "      survives";
            await Console.Out.WriteLineAsync($"{mutant.Name,-70} {how}");
        }

        await Console.Out.WriteLineAsync($"{Mutants.All.Length} mutants, {survivors} survivors");
        return survivors == 0 ? 0 : 1;
    }

    /// <param name="known">Begins with the seed that found it before. One of the same seeds in any order: who is found out by it is found out within all.</param>
    private static async Task<(int Seed, ViolationException Violation)?> HuntAsync(Mutant mutant, bool known)
    {
        var seeds = Enumerable.Range(1, Exploration.OrdinarySeeds);
        foreach (var seed in known ? seeds.OrderBy(s => s != mutant.Seed) : seeds)
        {
            if ((await Trial.PlayAsync(Scenario.Draw(seed), mutant.Break)).Violation is { } violation) return (seed, violation);
        }

        return null;
    }
}
