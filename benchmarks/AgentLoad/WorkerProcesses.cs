using System.Diagnostics;
using Mpi.Agent.Protocol;

namespace Benchmarks.AgentLoad;

/// <summary>The agent's own workers, a process each.</summary>
internal sealed class WorkerProcesses(List<Process> processes) : IAsyncDisposable
{
    public static WorkerProcesses Start(JobFolder job, int count) =>
        new([.. Enumerable.Range(0, count).Select(i => job.Start("worker", RemoteShellCalls.Name(i), AgentContract.WorkerRole))]);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes) process.Kill();
        foreach (var process in processes)
        {
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
