using System.Diagnostics;
using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>Starts util-linux and iproute2 programs. They always see the same small environment, whatever ours holds.</summary>
internal static class Tool
{
    public const string SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>
    /// Starts a program with three pipes. <c>setsid</c> keeps a terminal's Ctrl-C, which goes to the whole process group,
    /// away from it: how a pod ends is for us to decide.
    /// </summary>
    public static Process Start(IEnumerable<string> command)
    {
        var info = new ProcessStartInfo("setsid") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = "/" };
        foreach (var word in command) info.ArgumentList.Add(word);
        info.Environment.Clear();
        info.Environment["PATH"] = SearchPath;
        info.Environment["LC_ALL"] = "C";
        return Process.Start(info) ?? throw new InvalidOperationException("No process was started");
    }

    /// <summary>Runs a program to its end. Killed when it takes longer than the limit; the exit code is then 124, as with <c>timeout</c>.</summary>
    public static async Task<ToolResult> RunAsync(IEnumerable<string> command, TimeSpan limit, TimeProvider time, CancellationToken cancellation)
    {
        using var process = Start(command);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var late = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            await process.WaitForExitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            ProcessTree.Kill(process.Id);
            await process.WaitForExitAsync(CancellationToken.None);
            cancellation.ThrowIfCancellationRequested();
            return new ToolResult(124, $"{string.Join(' ', command)} took longer than {limit.TotalSeconds:0.#} s");
        }

        return new ToolResult(process.ExitCode, new StringBuilder(await output).Append(await errors).ToString());
    }

    /// <summary>Where a program stands on the tools' path, or null.</summary>
    public static string? Find(string program) =>
        program.Contains('/', StringComparison.Ordinal)
            ? File.Exists(program) ? program : null
            : SearchPath.Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

/// <param name="ExitCode">128 plus the signal when one ended it.</param>
/// <param name="Output">Standard output and error, together.</param>
internal sealed record ToolResult(int ExitCode, string Output);
