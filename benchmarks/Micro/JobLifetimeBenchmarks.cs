using BenchmarkDotNet.Attributes;
using Simulation;

namespace Benchmarks.Micro;

/// <summary>
/// Whole lives of jobs under virtual time, from their creation to their recorded ends: operator, API server, controllers and virtual
/// nodes in one thread. Everything that KubeMPI itself computes for a job, without the machine's own waiting.
/// </summary>
public class JobLifetimeBenchmarks
{
    [Params(1, 25)]
    public int Jobs { get; set; }

    [Params(8)]
    public int Workers { get; set; }

    [Benchmark]
    public int Live()
    {
        var world = new SimulatedCluster(new SimulationOptions(1) { Nodes = 1 + (Jobs * Workers / 50) });
        for (var i = 0; i < Jobs; i++) world.Create(MpiJobs.Job($"job-{i}", Workers), MpiJobs.Kind);

        // Asked after every step: so it looks only when something has changed, and at jobs that were not over before.
        var (over, asked) = (0, -1L);
        world.RunUntil(
            () =>
            {
                if (asked == world.Observer.Changes) return over == Jobs;
                asked = world.Observer.Changes;
                while (over < Jobs && world.Find(MpiJobs.Kind, $"job-{over}") is { } job && MpiJobs.Has(job, "Succeeded")) over++;
                return over == Jobs;
            },
            TimeSpan.FromMinutes(30),
            "all jobs' ends");
        var writes = world.Operator.Writes;
        world.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return writes;
    }
}
