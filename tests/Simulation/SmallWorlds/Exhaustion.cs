using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Kube.Testing;
using Mpi.Operator;

namespace Simulation;

/// <summary>
/// Tries everything in a small world up to a bound: every order of steps with at most so many delays (<see cref="DelayingSchedule"/>), from two
/// lines that begin with the controllers and with the operator; and everything that can go wrong with any one write, in every order
/// with one delay less. Each run is made from its beginning, so that its choices alone replay it.
/// </summary>
internal sealed class Exhaustion(TextWriter output)
{
    /// <summary>Stories told in full; of further violations a line.</summary>
    private const int Stories = 3;

    /// <summary>Runs between two words of how far it is.</summary>
    private const int Pause = 2_000;

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>Runs of different orders or mishaps.</summary>
    public int Runs { get; private set; }

    public long Steps { get; private set; }
    public int Violations { get; private set; }

    /// <summary><c>--exhaustive [--deviations D] [--world NAME [--line L --order CHOICES --mishap N]]</c>.</summary>
    /// <returns>The program's exit code.</returns>
    public static async Task<int> MainAsync(string[] args)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 1; i + 1 < args.Length; i += 2) options[args[i]] = args[i + 1];
        var worlds = SmallWorld.All.Where(w => options.GetValueOrDefault("--world", w.Name) == w.Name).ToList();
        if (args.Length % 2 == 0 || worlds.Count == 0 || !int.TryParse(options.GetValueOrDefault("--deviations", "1"), NumberStyles.None, CultureInfo.InvariantCulture, out var deviations))
        {
            await Console.Error.WriteLineAsync($"usage: ./test simulation --exhaustive [--deviations D] [--world {string.Join('|', SmallWorld.All.Select(static w => w.Name))}]");
            return 2;
        }

        var exhaustion = new Exhaustion(Console.Out);
        if (options.ContainsKey("--order") || options.ContainsKey("--mishap"))
        {
            var mishap = int.Parse(options.GetValueOrDefault("--mishap", "-1"), CultureInfo.InvariantCulture);
            await exhaustion.ReplayAsync(worlds[0], new Choices(options.GetValueOrDefault("--line") == "newest-first", Delay.Parse(options.GetValueOrDefault("--order", "")), mishap < 0 ? null : mishap));
        }
        else
        {
            foreach (var world in worlds) await exhaustion.ExhaustAsync(world, deviations);
        }

        await Console.Out.WriteLineAsync($"{exhaustion.Runs} runs, {exhaustion.Steps} steps, {exhaustion.Violations} violations");
        return exhaustion.Violations == 0 ? 0 : 1;
    }

    /// <summary>Everything that deviates from the calm run of one of the two lines in at most so many delays and mishaps, of which one mishap.</summary>
    public async Task ExhaustAsync(SmallWorld world, int deviations, Func<OperatorParts, OperatorParts>? build = null)
    {
        var calm = await PlayAsync(world, new Choices(false, [], null), [], null, build, null);
        var mishaps = world.Mishaps(calm!.Value.Result.Writes);
        var (moments, empty, before) = (0, 0, Runs);
        var orders = new int[deviations + 1];
        foreach (var newestFirst in (bool[])[false, true])
        {
            var open = new Stack<Choices>([new Choices(newestFirst, [], null)]);
            while (open.TryPop(out var choices))
            {
                if (await PlayAsync(world, choices, mishaps, calm.Value.Result, build, null) is not var (result, progress))
                {
                    empty++;
                    continue;
                }

                Runs++;
                if (Runs % Pause == 0) await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{Runs} runs, {Violations} violations, {Steps / _watch.Elapsed.TotalSeconds:0} steps/s"));
                if (result.Violation is { } violation) await TellAsync(world, choices, mishaps, violation.Message, calm.Value.Result, build);
                if (choices.Mishap is not null) continue;
                orders[choices.Delays.Length]++;
                if (choices.Delays.IsEmpty) moments = Math.Max(moments, progress.Count);
                if (choices.Delays.Length == deviations) continue;
                for (var i = 0; i < mishaps.Length; i++) open.Push(choices with { Mishap = i });
                for (var moment = choices.Delays is [.., var last] ? last.Moment + 1 : 0; moment < progress.Count; moment++)
                {
                    open.Push(choices with { Delays = choices.Delays.Add(new Delay(moment, progress[moment])) });
                }
            }
        }

        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"{world.Name}: {moments} moments of choice; orders with {string.Join(", ", orders.Select(static (n, d) => string.Create(CultureInfo.InvariantCulture, $"{d} delays: {n}")))}; {mishaps.Length} mishaps; {Runs - before} runs, {empty} more were the same as another; exhausted up to {deviations} deviations"));
    }

    private async Task ReplayAsync(SmallWorld world, Choices choices)
    {
        var calm = await PlayAsync(world, new Choices(false, [], null), [], null, null, null);
        var story = new Storyteller();
        var mishaps = world.Mishaps(calm!.Value.Result.Writes);
        Runs = 1;
        if (await PlayAsync(world, choices, mishaps, calm.Value.Result, null, story) is not var (result, _)) throw new ArgumentException("these choices change nothing: nobody else had anything to do");
        if (result.Violation is not null) Violations = 1;
        await WriteAsync(world, choices, mishaps, story, result.Violation?.Message);
        await output.WriteLineAsync($"trace {result.Trace}");
    }

    /// <returns>What it came to, and whose progress made each moment; null where a delay changed nothing.</returns>
    private async Task<(TrialResult Result, IReadOnlyList<int> Progress)?> PlayAsync(SmallWorld world, Choices choices, ImmutableArray<Mishap> mishaps, TrialResult? calm, Func<OperatorParts, OperatorParts>? build, Storyteller? story)
    {
        var order = new DelayingSchedule(choices.Delays, choices.NewestFirst);
        var scenario = world.Scenario with { Mishaps = choices.Mishap is { } number ? [mishaps[number]] : [] };
        try
        {
            var result = await Trial.PlayInOrderAsync(scenario, order, build, story);
            Steps += result.Steps;
            return (calm is not null && scenario.EndsAlike ? result.ComparedTo(calm) : result, order.Progress);
        }
        catch (NoOtherOrderException)
        {
            return null;
        }
    }

    private async Task TellAsync(SmallWorld world, Choices choices, ImmutableArray<Mishap> mishaps, string violation, TrialResult calm, Func<OperatorParts, OperatorParts>? build)
    {
        if (++Violations > Stories)
        {
            await output.WriteLineAsync($"{Replay(world, choices)}: {violation.Split('\n')[0]}");
            return;
        }

        var story = new Storyteller();
        await PlayAsync(world, choices, mishaps, calm, build, story);
        await WriteAsync(world, choices, mishaps, story, violation);
    }

    private async Task WriteAsync(SmallWorld world, Choices choices, ImmutableArray<Mishap> mishaps, Storyteller story, string? violation)
    {
        await output.WriteLineAsync(Replay(world, choices));
        foreach (var line in (world.Scenario with { Mishaps = choices.Mishap is { } number ? [mishaps[number]] : [] }).Tell()) await output.WriteLineAsync(line);
        foreach (var line in story.Lines) await output.WriteLineAsync(line);
        if (violation is not null) await output.WriteLineAsync($"VIOLATION {violation}");
        await output.WriteLineAsync();
    }

    private static string Replay(SmallWorld world, Choices choices) =>
        $"./test simulation --exhaustive --world {world.Name} --line {(choices.NewestFirst ? "newest-first" : "as-listed")} --order {(choices.Delays.IsEmpty ? "''" : string.Join(',', choices.Delays))}{(choices.Mishap is { } mishap ? string.Create(CultureInfo.InvariantCulture, $" --mishap {mishap}") : "")}";

    /// <summary>All that tells one run of a small world from another.</summary>
    /// <param name="Mishap">Its number among those of the world; null for none.</param>
    private sealed record Choices(bool NewestFirst, ImmutableArray<Delay> Delays, int? Mishap);
}
