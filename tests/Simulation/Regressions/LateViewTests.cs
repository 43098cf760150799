using Kube.Testing;
using Kube.Types;

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

    [Fact]
    public async Task Whenever_the_operator_starts_anew_nothing_is_said_twice()
    {
        var writes = 0;
        for (var n = 0; n <= writes; n++)
        {
            await using var world = new SimulatedCluster(new SimulationOptions(43) { Faults = new Faults { CrashAfter = [n], Name = $"crash after write {n}" } });
            world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
            world.RunUntil(() => IsOver(world), TimeSpan.FromMinutes(10), "the job's end");
            world.RunFor(TimeSpan.FromMinutes(2));
            // None that is numbered 0: the first run goes well, and tells how many there are.
            if (n == 0) writes = world.Operator.Writes;
            Assert.Equal(n == 0 ? 0 : 1, world.Operator.Crashes);

            // What a dead operator did not come to say is lost; what it did say is not said again.
            Assert.All(Told.About(world), e => Assert.True((e.Root.Integer("count") ?? 1) == 1, $"crash after write {n}: {e.Root.GetRawText()}"));
            Assert.Equal(Told.About(world).Count, Told.About(world).DistinctBy(static e => e.Root.Text("reason")).Count());
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
        world.RunUntil(() => IsOver(world), TimeSpan.FromMinutes(10), "the job's end");
        world.RunFor(TimeSpan.FromMinutes(2));

        Assert.True(running is [false, true, false], $"{faults.Name}: Running was {string.Join(", ", running)}");
        foreach (var reason in (string[])["MPIJobCreated", "MPIJobRunning", "MPIJobSucceeded"])
        {
            Assert.True(Told.Times(world, reason) == 1, $"{faults.Name}: {reason} was said {Told.Times(world, reason)} times");
        }

        Assert.Equal(3, Told.About(world).Count);
        return world.Operator.Events(resource);
    }

    private static bool IsOver(SimulatedCluster world) =>
        world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, "Succeeded") && !world.Observer.Pods("default", "pi", "worker").Any();
}
