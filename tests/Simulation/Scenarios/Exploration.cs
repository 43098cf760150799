using System.Diagnostics;
using System.Globalization;
using Mpi.Operator;
using Mpi.Testing;

namespace Simulation;

/// <summary>Plays one scenario after the other, a seed each, and tells of each that goes wrong its smallest form as a story.</summary>
/// <param name="draw">A seed's world; null for <see cref="Scenario.Draw"/>.</param>
internal sealed class Exploration(TextWriter output, Func<int, Scenario>? draw = null)
{
    /// <summary>Seeds of an ordinary run of the tests, from 1 on.</summary>
    public const int OrdinarySeeds = 80;

    /// <summary>Stories told in full; of further violations a line.</summary>
    private const int Stories = 3;

    /// <summary>Seeds between two words of how far it is.</summary>
    private const int Pause = 1_000;

    private readonly Func<int, Scenario> _draw = draw ?? Scenario.Draw;

    public Coverage Coverage { get; } = new();
    public long Steps { get; private set; }
    public int Violations { get; private set; }

    /// <summary><c>--seed N --runs M</c>: M seeds from N on. Without <c>--runs</c> the one seed, told as a story.</summary>
    /// <returns>The program's exit code.</returns>
    public static async Task<int> MainAsync(string[] args, Func<int, Scenario>? draw = null)
    {
        var (seed, runs) = (1, (int?)null);
        for (var i = 0; i < args.Length; i += 2)
        {
            var fault = i + 1 == args.Length || !int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0 ? args[i] : null;
            number = fault is null ? int.Parse(args[i + 1], CultureInfo.InvariantCulture) : 0;
            switch (args[i])
            {
                case "--seed" when fault is null:
                    seed = number;
                    break;
                case "--runs" when fault is null:
                    runs = number;
                    break;
                default:
                    await Console.Error.WriteLineAsync("usage: ./test simulation [--agents [--transport agent|ssh|exec]] [--seed N] [--runs M]   (whole numbers above 0)");
                    return 2;
            }
        }

        var exploration = new Exploration(Console.Out, draw);
        if (runs is { } many) await exploration.ExploreAsync(seed, many);
        else await exploration.ReplayAsync(seed);
        return exploration.Violations == 0 ? 0 : 1;
    }

    public async Task ExploreAsync(int first, int runs, Func<OperatorParts, OperatorParts>? build = null)
    {
        var watch = Stopwatch.StartNew();
        for (var seed = first; seed < first + runs; seed++)
        {
            await PlayAsync(_draw(seed), build);
            if ((seed - first + 1) % Pause == 0) await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{seed - first + 1} seeds, {Violations} violations, {Steps / watch.Elapsed.TotalSeconds:0} steps/s"));
        }

        foreach (var line in Coverage.Tell()) await output.WriteLineAsync(line);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:0} s, {Steps / watch.Elapsed.TotalSeconds:0} steps/s"));
        await output.WriteLineAsync($"{runs} seeds, {Steps} steps, {Violations} violations");
    }

    public async Task PlayAsync(Scenario scenario, Func<OperatorParts, OperatorParts>? build = null)
    {
        var result = await Trial.PlayAsync(scenario, build, Coverage);
        Steps += result.Steps;
        if (result.Violation is not { } violation) return;
        Violations++;
        if (Violations <= Stories) await TellAsync(await Shrinking.ShrinkAsync(scenario, violation, build), violation, build);
        else await output.WriteLineAsync($"seed {scenario.Seed}: {violation.Message.Split('\n')[0]}");
    }

    private async Task ReplayAsync(int seed)
    {
        var story = new Storyteller();
        var scenario = _draw(seed);
        var result = await Trial.PlayAsync(scenario, coverage: Coverage, story: story);
        Steps = result.Steps;
        if (result.Violation is not null) Violations = 1;
        await WriteAsync(scenario, story, result.Violation);
        await output.WriteLineAsync($"trace {result.Trace}");
        await output.WriteLineAsync($"1 seeds, {Steps} steps, {Violations} violations");
    }

    private async Task TellAsync(Scenario scenario, ViolationException first, Func<OperatorParts, OperatorParts>? build)
    {
        var story = new Storyteller();
        var result = await Trial.PlayAsync(scenario, build, story: story);
        await WriteAsync(scenario, story, result.Violation ?? first);
    }

    private async Task WriteAsync(Scenario scenario, Storyteller story, ViolationException? violation)
    {
        foreach (var line in scenario.Tell()) await output.WriteLineAsync(line);
        foreach (var line in story.Lines) await output.WriteLineAsync(line);
        if (violation is not null) await output.WriteLineAsync($"VIOLATION {violation.Message}");
        await output.WriteLineAsync();
    }
}
