using System.Diagnostics;
using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>Starts util-linux and iproute2 programs. They always see the same small environment, whatever ours holds.</summary>
internal static class Tool
{
    public const string SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private const int OutputAtMost = 256 * 1024;
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(5);

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

    /// <summary>
    /// Disposes a process together with its pipes: <see cref="Process"/> leaves those that were used to whoever used them, and so
    /// thousands of short programs would hold thousands of descriptors until the garbage collector comes by.
    /// </summary>
    public static void Release(Process process)
    {
        try
        {
            // The pipe and not its writer, which would flush into one that is closed already.
            process.StandardInput.BaseStream.Dispose();
        }
        catch (IOException)
        {
            // What was still to be written has no reader any more.
        }

        process.StandardOutput.Dispose();
        process.StandardError.Dispose();
        process.Dispose();
    }

    /// <summary>
    /// Runs a program to its end. Killed when it takes longer than the limit; the exit code is then 124, as with <c>timeout</c>.
    /// Returns within the limit and a little more, whatever the program or one that it left behind does.
    /// </summary>
    public static async Task<ToolResult> RunAsync(IEnumerable<string> command, TimeSpan limit, TimeProvider time, CancellationToken cancellation)
    {
        var process = Start(command);
        process.StandardInput.Close();
        int exitCode;
        var said = new StringBuilder();
        var reading = Task.WhenAll(CollectAsync(process.StandardOutput, said), CollectAsync(process.StandardError, said));
        using var late = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            await process.WaitForExitAsync(either.Token);
            await reading.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (process.HasExited)
        {
            // Somebody else holds the pipe open; what the program itself had to say is there.
        }
        catch (OperationCanceledException)
        {
            ProcessTree.Kill(process.Id);
            using var end = new CancellationTokenSource(KillLimit, time);
            await process.WaitForExitAsync(end.Token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            cancellation.ThrowIfCancellationRequested();
            return new ToolResult(124, $"{string.Join(' ', command)} took longer than {limit.TotalSeconds:0.#} s", TimedOut: true);
        }
        finally
        {
            exitCode = process.HasExited ? process.ExitCode : 124;
            Release(process);
        }

        lock (said) return new ToolResult(exitCode, said.ToString());
    }

    private static async Task CollectAsync(StreamReader from, StringBuilder into)
    {
        var buffer = new char[4096];
        try
        {
            int read;
            while ((read = await from.ReadAsync(buffer.AsMemory(), CancellationToken.None)) > 0)
            {
                lock (into)
                {
                    if (into.Length < OutputAtMost) into.Append(buffer, 0, read);
                }
            }
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The limit has passed and the pipe was closed.
        }
    }

    /// <summary>Where a program stands on the tools' path, or null.</summary>
    public static string? Find(string program) =>
        program.Contains('/', StringComparison.Ordinal)
            ? File.Exists(program) ? program : null
            : SearchPath.Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

/// <param name="ExitCode">128 plus the signal when one ended it.</param>
/// <param name="Output">Standard output and error, together.</param>
/// <param name="TimedOut">It was killed at its limit.</param>
internal sealed record ToolResult(int ExitCode, string Output, bool TimedOut = false);
