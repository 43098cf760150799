using System.Diagnostics;
using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>The program as users start it, in a process of its own.</summary>
internal static partial class Kubempi
{
    /// <summary>Only ends a run that hangs; a run takes seconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>The checkout that the tests run in.</summary>
    public static string Root { get; } = FindRoot();

    public static Task<KubempiResult> RunAsync(params string[] args) => RunPipedAsync("", args);

    /// <param name="input">What a pipe gives it.</param>
    public static async Task<KubempiResult> RunPipedAsync(string input, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "kubempi.dll"), .. args])
        {
            WorkingDirectory = Root,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["KUBEMPI_HOME"] = Root;
        // A cluster of its own, whatever is up on this machine.
        using var runtime = new TemporaryFolder("kubempi-run-");
        start.Environment["XDG_RUNTIME_DIR"] = runtime.Path;
        await using var lookout = new Lookout(Path.Combine(runtime.Path, "kubempi"));
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new KubempiResult(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Runs a manifest that exists only for this test.</summary>
    public static async Task<KubempiResult> RunTextAsync(string manifest)
    {
        using var folder = new TemporaryFolder("kubempi-e2e-");
        var file = Path.Combine(folder.Path, "job.yaml");
        await File.WriteAllTextAsync(file, manifest);
        return await RunAsync("run", file);
    }

    private static string FindRoot()
    {
        var folder = Environment.GetEnvironmentVariable("KUBEMPI_HOME") is { Length: > 0 } home ? home : AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "KubeMPI.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the tests do not run within a checkout");
        return folder;
    }

    [GeneratedRegex("rank (?<rank>[0-9]+) of (?<ranks>[0-9]+) on (?<host>[a-z0-9.-]+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    internal static partial Regex RankLine();
}

/// <param name="Output">Standard output: the launcher's own words.</param>
/// <param name="Error">Standard error: progress, warnings, the summary.</param>
internal sealed record KubempiResult(int ExitCode, string Output, string Error)
{
    /// <summary>Where each rank said that it runs: its own words, not our observation.</summary>
    public IReadOnlyDictionary<int, string> Ranks => Kubempi.RankLine().Matches(Output)
        .ToDictionary(static m => int.Parse(m.Groups["rank"].Value), static m => m.Groups["host"].Value.Split('.')[0]);

    public void ShouldEndWith(int exitCode) => Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, wanted {exitCode}\n--- output\n{Output}\n--- error\n{Error}");

    /// <summary>Ranks 0 to n-1 ran, evenly, on exactly these hosts.</summary>
    public void ShouldHaveRanksOn(int ranks, params string[] hosts)
    {
        Assert.Equal(Enumerable.Range(0, ranks), Ranks.Keys.Order());
        var perHost = Ranks.Values.GroupBy(static host => host).ToDictionary(static g => g.Key, static g => g.Count());
        Assert.Equal(hosts.Order(StringComparer.Ordinal), perHost.Keys.Order(StringComparer.Ordinal));
        Assert.All(perHost.Values, count => Assert.Equal(ranks / hosts.Length, count));
    }
}
