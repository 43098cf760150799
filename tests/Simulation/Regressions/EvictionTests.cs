using Kube.Nodes.Virtual;
using Kube.Types;

namespace Simulation;

/// <summary>
/// A node throws a worker out. The old operator called the job failed and left everything as it was, the launcher, the pods and their
/// devices among it, and said so again at each look (mpi-operator 647).
/// </summary>
public sealed class EvictionTests
{
    [Theory]
    [InlineData("Running", 0)]
    [InlineData("All", 0)]
    [InlineData("None", 2)]
    public async Task An_evicted_worker_is_replaced_said_once_and_the_job_ends_and_is_cleaned_up_as_ever(string cleanPodPolicy, int left)
    {
        var evicted = false;
        await using var world = new SimulatedCluster(new SimulationOptions(67)
        {
            WorkerOf = name =>
            {
                var plain = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(2) };
                if (name != "pi-worker-1" || evicted) return plain;
                evicted = true;
                return plain with { Eviction = new PodEviction(TimeSpan.FromSeconds(12), "The node was low on resource: memory.") };
            },
        });
        var failed = false;
        world.Observer.Changed = (kind, _, after) => failed |= kind == MpiJobs.Kind && after is not null && MpiJobs.Has(after, "Failed");
        world.Create(MpiJobs.Job("pi", cleanPodPolicy: cleanPodPolicy), MpiJobs.Kind);

        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, "Succeeded"), TimeSpan.FromMinutes(10), "the job's end");
        world.RunFor(TimeSpan.FromMinutes(2));

        Assert.False(failed);
        Assert.Equal(1, Told.Times(world, "MPIJobEvicted"));
        Assert.Equal((2, 1, null), (Attempt("number"), Attempt("losses"), Attempt("failures")));
        Assert.Equal(left, world.Observer.Pods("default", "pi", "worker").Count());

        long? Attempt(string of) => world.Find(MpiJobs.Kind, "pi")!.Root.Integer("status", "attempt", of);
    }
}
