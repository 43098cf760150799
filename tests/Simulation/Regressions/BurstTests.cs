using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Types;

namespace Simulation;

/// <summary>
/// Events come in swarms. The old operator's queue took ten of them a second, those of all jobs together, and slowed a job down for
/// each: in a run of a hundred jobs one was not looked at for 650 s, and its workers ran on after its end.
/// </summary>
public sealed class BurstTests
{
    /// <summary>A hundred at once and ten a second: the old queue would be behind by more than two minutes.</summary>
    private const int Events = 1_500;
    private const int AtOnce = 100;

    [Fact]
    public async Task A_swarm_of_events_keeps_no_job_waiting_neither_its_own_nor_another()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(41)
        {
            LauncherOf = static name => PodScript.RunsFor(TimeSpan.FromSeconds(name == "loud" ? 60 : 5)) with { StartDelay = TimeSpan.FromSeconds(1) },
        });
        (DateTimeOffset? ended, DateTimeOffset? cleanedUp) = (null, null);
        world.Observer.Changed = (kind, _, after) =>
        {
            if (kind == Kinds.Job && after is { Meta.Name: "loud-launcher" } && Conditions.IsTrue(after.Root.At("status"), "Complete")) ended ??= world.Clock.GetUtcNow();
            if (ended is not null && !world.Observer.Pods("default", "loud", "worker").Any()) cleanedUp ??= world.Clock.GetUtcNow();
        };
        world.Create(MpiJobs.Job("loud", 4), MpiJobs.Kind);
        world.RunUntil(() => world.Find(MpiJobs.Kind, "loud") is { } job && MpiJobs.Has(job, "Running"), TimeSpan.FromMinutes(5), "the loud job runs");

        var writes = world.Operator.Writes;
        for (var number = 0; number < Events; number++)
        {
            var change = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["number"] = $"{number}" } } };
            SimulatedCluster.Now(world.Admin.PatchAsync(Kinds.Pod, "default", $"loud-worker-{number % 4}", Patch.Merge(change), null, CancellationToken.None));
            if (number % AtOnce == AtOnce - 1) world.RunFor(TimeSpan.FromMilliseconds(10));
        }

        world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal([], world.Operator.WritesSeen.Skip(writes));
        Assert.Null(ended);

        var asked = world.Clock.GetUtcNow();
        world.Create(MpiJobs.Job("quiet"), MpiJobs.Kind);
        world.RunUntil(() => world.Find(MpiJobs.Kind, "quiet") is { } job && MpiJobs.Has(job, "Succeeded"), TimeSpan.FromMinutes(10), "the quiet job's end");
        Assert.True(world.Clock.GetUtcNow() - asked < TimeSpan.FromSeconds(20), $"the quiet job took {world.Clock.GetUtcNow() - asked}");

        world.RunUntil(() => cleanedUp is not null, TimeSpan.FromMinutes(20), "the loud job is over and cleaned up");
        Assert.True(cleanedUp - ended <= TimeSpan.FromSeconds(5), $"the loud job was cleaned up {cleanedUp - ended} after its end");
    }
}
