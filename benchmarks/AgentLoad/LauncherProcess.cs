using System.Diagnostics;
using System.Globalization;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Benchmarks.AgentLoad;

/// <summary>The process that is measured: it holds the connections of a job's workers.</summary>
internal sealed class LauncherProcess(Process process) : IAsyncDisposable
{
    private const double TicksPerSecond = 100;

    public static async Task<LauncherProcess> StartAsync(JobFolder job, CancellationToken cancellation)
    {
        var launcher = new LauncherProcess(job.Start("launcher", "launcher", AgentContract.LauncherRole, job.Root));
        while (!File.Exists(new LauncherFiles(job.Root).Socket)) await Task.Delay(10, cancellation);
        return launcher;
    }

    /// <summary>Memory of its own in bytes (what it shares with others, its program's pages, not counted), and processor time so far.</summary>
    public (double Memory, TimeSpan Processor) Usage()
    {
        var status = File.ReadLines($"/proc/{process.Id}/status").First(static line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        var kibibytes = int.Parse(status.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        // proc(5): the fields behind the name, of which the 12th and the 13th are its times.
        var stat = File.ReadAllText($"/proc/{process.Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (kibibytes * 1024.0, TimeSpan.FromSeconds((int.Parse(fields[11], CultureInfo.InvariantCulture) + int.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond));
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
