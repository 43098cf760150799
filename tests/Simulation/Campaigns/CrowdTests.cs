using Kube.Nodes.Virtual;
using Kube.Types;

namespace Simulation;

/// <summary>Hundreds of jobs at once: none waits for another, and none is over before it was seen to run.</summary>
public sealed class CrowdTests
{
    private static readonly TimeSpan CleanedUpWithin = TimeSpan.FromSeconds(5);

    /// <summary>Jobs and their workers; the larger crowd takes a minute of a processor and comes with <c>KUBEMPI_LARGE_CROWD=1</c>.</summary>
    public static TheoryData<int, int> Crowds => Environment.GetEnvironmentVariable("KUBEMPI_LARGE_CROWD") == "1" ? new() { { 100, 8 }, { 500, 4 } } : new() { { 100, 8 } };

    [Theory]
    [MemberData(nameof(Crowds))]
    public async Task Of_many_jobs_at_once_each_shows_that_it_runs_and_is_cleaned_up_within_five_seconds_of_its_end(int jobs, int workers)
    {
        await using var world = new SimulatedCluster(new SimulationOptions(17)
        {
            Nodes = (jobs * (workers + 1) / 100) + 1,
            // Every second launcher is as quick as two seconds.
            LauncherOf = static name => PodScript.RunsFor(TimeSpan.FromSeconds(int.Parse(name.AsSpan("job-".Length)) % 2 == 0 ? 2 : 30)) with { StartDelay = TimeSpan.FromSeconds(1) },
        });
        var lives = Enumerable.Range(0, jobs).ToDictionary(static i => $"job-{i}", static _ => new Life());
        var left = jobs;
        world.Observer.Changed = (kind, before, after) =>
        {
            if (kind == MpiJobs.Kind && after is not null) lives[after.Meta.Name].Ran |= MpiJobs.Has(after, "Running");
            if (kind != Kinds.Pod || !lives.TryGetValue((after ?? before)!.Meta.Labels["training.kubeflow.org/job-name"], out var life)) return;
            var (now, labels) = (world.Clock.GetUtcNow(), (after ?? before)!.Meta.Labels);
            if (after?.Root.Text("status", "phase") == "Succeeded" && labels["training.kubeflow.org/job-role"] == "launcher") life.Ended ??= now;
            if (life is not { Ended: { } ended, CleanedUpAfter: null } || world.Observer.Pods("default", labels["training.kubeflow.org/job-name"], "worker").Any()) return;
            life.CleanedUpAfter = now - ended;
            left--;
        };
        foreach (var name in lives.Keys) world.Create(MpiJobs.Job(name, workers), MpiJobs.Kind);

        world.RunUntil(() => left == 0, TimeSpan.FromMinutes(10), "every job is over and cleaned up");

        Assert.All(lives, static life => Assert.True(life.Value.Ran, $"{life.Key} was never seen to run"));
        Assert.All(lives, static life => Assert.True(life.Value.CleanedUpAfter <= CleanedUpWithin, $"{life.Key} was cleaned up {life.Value.CleanedUpAfter} after its end"));
        // No job pays for the others.
        Assert.True(world.Operator.Writes <= jobs * (workers + 12), $"{world.Operator.Writes} writes");
        Assert.Equal(0, world.Operator.Gets);
    }

    private sealed class Life
    {
        public bool Ran { get; set; }
        public DateTimeOffset? Ended { get; set; }
        public TimeSpan? CleanedUpAfter { get; set; }
    }
}
