using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Types;
using Mpi.Planning;

namespace Simulation;

/// <summary>
/// One launcher at a time, and none twice. The old operator's was replaced while it was still ending, two mpiruns on the same workers
/// (mpi-operator 810); and one that was gone with its result unseen was run again (spec 3.6).
/// </summary>
public sealed class LauncherTests
{
    private static readonly PodScript Plain = PodScript.RunsFor(TimeSpan.FromSeconds(20)) with { StartDelay = TimeSpan.FromSeconds(1) };

    /// <summary>Needs minutes to end when it is told to.</summary>
    private static readonly PodScript Reluctant = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(1), StopTime = TimeSpan.FromMinutes(5) };

    [Theory]
    [InlineData("its pod is deleted")]
    [InlineData("a worker is deleted")]
    [InlineData("the job is suspended and resumed")]
    public async Task A_launcher_that_takes_minutes_to_end_has_no_second_beside_it_when(string what)
    {
        var taken = 0;
        await using var world = new SimulatedCluster(new SimulationOptions(47) { LauncherOf = _ => taken++ == 0 ? Reluctant : Plain });
        var (made, most) = (0, 0);
        world.Observer.Changed = (kind, before, after) =>
        {
            if (kind != Kinds.Pod || (after ?? before)!.Meta.Labels.GetValueOrDefault("training.kubeflow.org/job-role") != "launcher") return;
            if (before is null) made++;
            most = Math.Max(most, world.Observer.Pods("default", "pi", "launcher").Count(static p => !p.IsFinished));
        };
        var job = MpiJobs.Job("pi");
        job["spec"]!["mpiReplicaSpecs"]!["Launcher"]!["template"]!["spec"]!["terminationGracePeriodSeconds"] = 600;
        world.Create(job, MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), TimeSpan.FromMinutes(5), "the job runs");

        var asked = world.Clock.GetUtcNow();
        switch (what)
        {
            case "its pod is deleted":
                Delete(world, Kinds.Pod, world.Observer.Pods("default", "pi", "launcher").Single().Meta.Name);
                break;
            case "a worker is deleted":
                Delete(world, Kinds.Pod, "pi-worker-1");
                break;
            default:
                Suspend(world, true);
                world.RunFor(TimeSpan.FromSeconds(10));
                Suspend(world, false);
                break;
        }

        world.RunUntil(() => made == 2, TimeSpan.FromMinutes(20), "a second launcher");
        Assert.True(world.Clock.GetUtcNow() - asked >= Reluctant.StopTime, $"the second launcher came after {world.Clock.GetUtcNow() - asked}");
        world.RunUntil(() => Has(world, "Succeeded"), TimeSpan.FromMinutes(20), "the job's end");
        Assert.Equal((2, 1), (made, most));
    }

    [Fact]
    public async Task A_launcher_that_ended_while_nobody_looked_keeps_its_result_for_as_long_as_that_takes()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(53) { RestartDelay = TimeSpan.FromMinutes(30) });
        var made = Launchers(world);
        Leave(world, ttlSecondsAfterFinished: 5);

        world.RunUntil(() => Has(world, "Succeeded"), TimeSpan.FromMinutes(40), "the result is recorded");

        // From now on it may expire, and is still not run again.
        world.RunUntil(() => world.Find(Kinds.Job, "pi-launcher") is null, TimeSpan.FromMinutes(5), "the launcher's lifetime is over");
        world.RunFor(TimeSpan.FromHours(1));
        Assert.True(Has(world, "Succeeded"));
        Assert.Equal(1, made());
    }

    [Theory]
    [InlineData("somebody deletes it")]
    [InlineData("it expires, as strict compatibility lets it")]
    public async Task A_launcher_that_vanished_while_nobody_looked_is_not_run_again_when(string how)
    {
        var expires = how != "somebody deletes it";
        await using var world = new SimulatedCluster(new SimulationOptions(59) { RestartDelay = TimeSpan.FromMinutes(30), Planning = new PlanningOptions { Strict = expires } });
        var made = Launchers(world);
        Leave(world, ttlSecondsAfterFinished: 5);
        if (!expires) Delete(world, Kinds.Job, "pi-launcher");

        world.RunUntil(() => Has(world, "Failed"), TimeSpan.FromMinutes(40), "the loss is recorded");
        world.RunFor(TimeSpan.FromHours(1));

        Assert.Equal("LauncherDeleted", Conditions.Find(world.Find(MpiJobs.Kind, "pi")!.Root.At("status"), "Failed")!.Reason);
        Assert.Empty(world.Observer.Pods("default", "pi", "worker"));
        Assert.Equal(1, made());
    }

    /// <summary>The operator goes away while the job runs.</summary>
    private static void Leave(SimulatedCluster world, int ttlSecondsAfterFinished)
    {
        var job = MpiJobs.Job("pi");
        job["spec"]!["runPolicy"]!["ttlSecondsAfterFinished"] = ttlSecondsAfterFinished;
        world.Create(job, MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), TimeSpan.FromMinutes(5), "the job runs");
        world.Operator.Crash();
        world.RunUntil(() => world.Operator.Process is null, TimeSpan.FromMinutes(1), "the operator is away");
    }

    /// <returns>How many launcher pods were ever made.</returns>
    private static Func<int> Launchers(SimulatedCluster world)
    {
        var made = 0;
        world.Observer.Changed = (kind, before, after) =>
        {
            if (kind == Kinds.Pod && before is null && after?.Meta.Labels.GetValueOrDefault("training.kubeflow.org/job-role") == "launcher") made++;
        };
        return () => made;
    }

    private static bool Has(SimulatedCluster world, string condition) => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, condition);

    private static void Delete(SimulatedCluster world, ResourceKind kind, string name) =>
        SimulatedCluster.Now(world.Admin.DeleteAsync(kind, "default", name, new DeleteOptions(), CancellationToken.None));

    private static void Suspend(SimulatedCluster world, bool suspend) => SimulatedCluster.Now(world.Admin.PatchAsync(
        MpiJobs.Kind, "default", "pi", Patch.Merge(new JsonObject { ["spec"] = new JsonObject { ["runPolicy"] = new JsonObject { ["suspend"] = suspend } } }), null, CancellationToken.None));
}
