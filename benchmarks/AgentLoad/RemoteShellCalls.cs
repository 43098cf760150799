using System.Diagnostics;
using System.Globalization;
using Mpi.Agent.Protocol;

namespace Benchmarks.AgentLoad;

/// <summary>Calls of many workers at once, a process each, as mpirun makes them.</summary>
internal static class RemoteShellCalls
{
    /// <summary>Starts all, waits for all, and fails with the first that fails.</summary>
    private const string Script = """
        pids=()
        for ((i = 0; i < $1; i++)); do "$2" "worker-$i" true </dev/null & pids+=($!); done
        for pid in "${pids[@]}"; do wait "$pid" || exit 1; done
        """;

    public static string Name(int worker) => $"worker-{worker}";

    /// <param name="instead">A program in place of the remote shell: what the starting of processes alone takes.</param>
    public static async Task<TimeSpan> RunAsync(JobFolder job, int count, CancellationToken cancellation, string? instead = null)
    {
        var begin = TimeProvider.System.GetTimestamp();
        using var shell = Process.Start("bash", ["-c", Script, "calls", count.ToString(CultureInfo.InvariantCulture), instead ?? Path.Combine(job.Root, AgentContract.RemoteShellFileName)]);
        await shell.WaitForExitAsync(cancellation);
        return shell.ExitCode == 0 ? TimeProvider.System.GetElapsedTime(begin) : throw new InvalidOperationException("a call failed");
    }
}
