using System.ComponentModel;
using System.Diagnostics;

namespace Mpi.Agent.Roles;

/// <summary>Real processes of this machine.</summary>
public sealed class ProcessRunner : IProcessRunner
{
    private const int OutputLimit = 64 * 1024;

    public string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, program))
            .FirstOrDefault(IsExecutable);

    public async Task<ProcessResult> RunAsync(string path, IReadOnlyList<string> args, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(path, args)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception fault)
        {
            throw new IOException($"{path} does not start: {fault.Message}", fault);
        }

        using (process)
        {
            try
            {
                process.StandardInput.Close();
                var output = ReadAsync(process.StandardOutput, cancellation);
                var error = ReadAsync(process.StandardError, cancellation);
                await process.WaitForExitAsync(cancellation);
                return new ProcessResult(process.ExitCode, await output, await error);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None);
                throw;
            }
        }
    }

    /// <summary>Reads to the end, so that the writer never blocks, and keeps the first part.</summary>
    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken cancellation)
    {
        var kept = new System.Text.StringBuilder();
        var buffer = new char[4096];
        int count;
        while ((count = await reader.ReadAsync(buffer, cancellation)) > 0)
        {
            kept.Append(buffer, 0, Math.Min(count, OutputLimit - kept.Length));
        }

        return kept.ToString();
    }

    internal static bool IsExecutable(string path) =>
        File.Exists(path)
        && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != UnixFileMode.None;
}
