using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;

namespace Mpi.Cli;

/// <summary><c>kubempi run FILE</c>: a manifest's jobs on this machine, from nothing to the launcher's exit code.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "The manifest: YAML or JSON, several documents allowed; - reads standard input." }.WithoutOptions();
        var timeout = new Option<TimeSpan?>("--timeout")
        {
            Description = "End the run after this time, such as 90s or 10m.",
            CustomParser = ReadDuration,
            HelpName = "DURATION",
        };
        var keep = new Option<bool>("--keep") { Description = "Keep the jobs after their end for a look with kubectl: in the cluster of kubempi up, else in this run's own until Ctrl-C." };
        var alone = new Option<bool>("--private") { Description = "Take a cluster of this run's own, even where kubempi up keeps one." };
        var pretended = ResourceList.Option("--pretend-resource", UpCommand.PretendHelp);
        var output = new Option<string?>("--output", "-o") { Description = "json: one line a job for programs on standard output (docs/cli-output.md).", HelpName = "FORMAT" };
        output.AcceptOnlyFromAmong("json");

        var command = new Command("run", "Run a manifest on this machine, with no cluster and no container engine.") { file, timeout, keep, alone, pretended, output };
        command.SetAction((parsed, cancellation) => LocalRun.RunAsync(
            new RunOptions(parsed.GetRequiredValue(file), parsed.GetValue(timeout), parsed.GetValue(keep), parsed.GetValue(alone), parsed.GetRequiredValue(pretended), parsed.GetValue(output) == "json"), cancellation));
        return command;
    }

    private static TimeSpan? ReadDuration(ArgumentResult result)
    {
        if (GoDuration.TryParse(result.Tokens[0].Value, out var duration) && duration > TimeSpan.Zero) return duration;
        result.AddError($"--timeout: \"{result.Tokens[0].Value}\" is no duration such as 90s or 10m");
        return null;
    }
}

/// <param name="File">A path, or <c>-</c>.</param>
/// <param name="Timeout">Null for no limit.</param>
/// <param name="Keep">Keep the jobs after their end.</param>
/// <param name="Private">A cluster of the run's own.</param>
/// <param name="Pretended">What this machine pretends to have; a cluster of the run's own then.</param>
/// <param name="Json">A line for programs a job.</param>
public sealed record RunOptions(string File, TimeSpan? Timeout, bool Keep, bool Private, ImmutableSortedDictionary<string, string> Pretended, bool Json);
