using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>Where one MPI rank was seen to run; the host is the pod's name.</summary>
public sealed record RankPlace(int Rank, string Pod);

/// <summary>Tells a person how a run goes: a line as each stage is reached, a live line for the one under way, a summary.</summary>
public sealed class RunReport(StatusLine line, bool colour)
{
    private static readonly string[] Spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    private readonly HashSet<RunStage> _told = [];

    /// <summary>Says the stages reached since the last call.</summary>
    public void Progress(string job, JobTimeline timeline)
    {
        foreach (var (stage, at) in timeline.Reached)
        {
            if (stage == RunStage.Finished || !_told.Add(stage)) continue;
            line.Say($"{Mark("✓", "32")} {Words(stage, job, timeline),-44} {Seconds(at)}");
        }
    }

    /// <summary>Redraws the live line.</summary>
    public void Live(TimeSpan elapsed, JobTimeline timeline)
    {
        var frame = Spinner[(int)(elapsed.TotalMilliseconds / 100) % Spinner.Length];
        var doing = timeline switch
        {
            { Outcome: not null } => "cleaning up",
            _ when timeline.HasReached(RunStage.LauncherRunning) => "launcher running",
            _ when timeline.HasReached(RunStage.WorkersRunning) => "proving that every worker can be reached",
            _ when timeline.WorkersWanted > 0 => $"workers running: {timeline.WorkersRunning} of {timeline.WorkersWanted}",
            _ => "starting",
        };
        var why = timeline.Waiting.Length > 0 ? $" ({timeline.Waiting})" : "";
        line.Show($"{frame} {doing}{why}  {Seconds(elapsed)}");
    }

    /// <summary>The closing summary: the result, the stages' durations, and where ranks ran as far as that was seen.</summary>
    public void Summary(string job, JobTimeline timeline, IReadOnlyList<RankPlace> ranks, TimeSpan elapsed)
    {
        line.Show("");
        if (timeline.Outcome is { } outcome)
        {
            line.Say(outcome.Succeeded
                ? $"{Mark("✓", "32")} {job} succeeded in {Seconds(elapsed)}"
                : $"{Mark("✗", "31")} {job} failed after {Seconds(elapsed)}: {Reason(outcome)}");
        }

        line.Say("  phases: " + string.Join(" · ", Durations(timeline, elapsed).Select(static p => $"{p.Name} {Seconds(p.Length)}")));
        if (timeline.WorkersWanted > 0 && timeline.HasReached(RunStage.LauncherRunning)) line.Say("  ranks:  " + Places(ranks));
    }

    /// <summary>The summary for programs (<c>-o json</c>); documented in docs/cli-output.md.</summary>
    public static JsonObject Json(string ns, string job, JobTimeline timeline, IReadOnlyList<RankPlace> ranks, TimeSpan elapsed, int exitCode)
    {
        var phases = new JsonObject();
        foreach (var (name, length) in Durations(timeline, elapsed)) phases[name] = Math.Round(length.TotalSeconds, 3);
        return new JsonObject
        {
            ["job"] = job,
            ["namespace"] = ns,
            ["result"] = timeline.Outcome switch { null => "Unfinished", { Succeeded: true } => "Succeeded", _ => "Failed" },
            ["reason"] = timeline.Outcome?.Reason,
            ["message"] = timeline.Outcome?.Message,
            ["exitCode"] = exitCode,
            ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
            ["phases"] = phases,
            ["launchers"] = timeline.LauncherPods.ToTree(),
            ["ranks"] = new JsonArray([.. ranks.Select(static r => new JsonObject { ["rank"] = r.Rank, ["pod"] = r.Pod })]),
        };
    }

    private static IEnumerable<(string Name, TimeSpan Length)> Durations(JobTimeline timeline, TimeSpan elapsed)
    {
        var before = TimeSpan.Zero;
        foreach (var (stage, name) in new[]
        {
            (RunStage.WorkersCreated, "created"), (RunStage.WorkersRunning, "running"), (RunStage.WorkersReachable, "reachable"),
            (RunStage.LauncherRunning, "launched"), (RunStage.Finished, "finished"),
        })
        {
            if (!timeline.Reached.TryGetValue(stage, out var at)) continue;
            yield return (name, at - before);
            before = at;
        }

        if (elapsed > before && timeline.HasReached(RunStage.Finished)) yield return ("cleaned", elapsed - before);
    }

    private static string Places(IReadOnlyList<RankPlace> ranks) => ranks.Count == 0
        ? "not observed (they ended too quickly to be seen)"
        : string.Join(" · ", ranks.GroupBy(static r => r.Pod).OrderBy(static g => g.Min(static r => r.Rank)).Select(static g => $"{g.Key}: {Ranges([.. g.Select(static r => r.Rank).Order()])}"));

    /// <summary><c>0-3, 8</c> for 0 1 2 3 8.</summary>
    private static string Ranges(List<int> numbers)
    {
        var parts = new List<string>();
        for (var i = 0; i < numbers.Count;)
        {
            var last = i;
            while (last + 1 < numbers.Count && numbers[last + 1] == numbers[last] + 1) last++;
            parts.Add(last == i ? $"{numbers[i]}" : $"{numbers[i]}-{numbers[last]}");
            i = last + 1;
        }

        return string.Join(", ", parts);
    }

    private static string Reason(RunOutcome outcome) => outcome.Message.Length > 0 ? outcome.Message : outcome.Reason;

    private static string Words(RunStage stage, string job, JobTimeline timeline) => stage switch
    {
        RunStage.Accepted => $"{job} accepted",
        RunStage.WorkersCreated => $"{timeline.WorkersWanted} workers created",
        RunStage.WorkersRunning => $"{timeline.WorkersWanted} workers running",
        RunStage.WorkersReachable => "every worker proven reachable",
        RunStage.LauncherRunning => "launcher started",
        _ => stage.ToString(),
    };

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s";

    private string Mark(string sign, string code) => colour ? $"\u001b[{code}m{sign}\u001b[0m" : sign;
}
