using Kube.Testing;

namespace Simulation;

/// <summary>
/// Each watch may be behind the others. The old operator said once more that a job runs when it saw its launcher's pod late
/// (mpi-operator 787), and told users of objects that exist already when it saw its own late (spec 3.2).
/// </summary>
public sealed class LateViewTests
{
    /// <summary>Less than the launcher runs, so that every part of a job's life is seen late in some run.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("mpijobs")]
    [InlineData("pods")]
    [InlineData("jobs")]
    [InlineData("services")]
    public async Task However_late_anything_is_seen_running_begins_and_ends_once_and_everything_is_said_once(string resource)
    {
        var events = await PlayAsync(resource, Faults.None);
        Assert.NotEqual(0, events);
        for (var n = 1; n <= events; n++)
        {
            var late = n;
            await PlayAsync(resource, new Faults { OnEvent = (r, i) => r == resource && i == late ? new WatchFault.Delay(Late) : null, Name = $"event {n} of {resource} late" });
        }
    }

    private static async Task<int> PlayAsync(string resource, Faults faults)
    {
        await using var world = new SimulatedCluster(new SimulationOptions(43) { Faults = faults });
        var running = new List<bool> { false };
        world.Observer.Changed = (kind, _, after) =>
        {
            if (kind == MpiJobs.Kind && after is not null && MpiJobs.Has(after, "Running") != running[^1]) running.Add(!running[^1]);
        };
        world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
        world.RunUntil(
            () => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, "Succeeded") && !world.Observer.Pods("default", "pi", "worker").Any(),
            TimeSpan.FromMinutes(10), "the job's end");
        world.RunFor(TimeSpan.FromMinutes(2));

        Assert.True(running is [false, true, false], $"{faults.Name}: Running was {string.Join(", ", running)}");
        foreach (var reason in (string[])["MPIJobCreated", "MPIJobRunning", "MPIJobSucceeded"])
        {
            Assert.True(Told.Times(world, reason) == 1, $"{faults.Name}: {reason} was said {Told.Times(world, reason)} times");
        }

        Assert.Equal(3, Told.About(world).Count);
        return world.Operator.Events(resource);
    }
}
