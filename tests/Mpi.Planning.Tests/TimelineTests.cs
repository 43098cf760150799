using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>What status says of when the start of an attempt reached each step (design section 4).</summary>
public sealed class TimelineTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Each_step_has_the_time_at_which_the_last_worker_reached_it()
    {
        var world = Launched(new FakeWorld(Jobs.Pi(2)));

        Assert.Equal(
            """{"created":"2026-03-01T12:00:00Z","scheduled":"2026-03-01T12:00:20Z","running":"2026-03-01T12:00:20Z","reachable":"2026-03-01T12:00:23Z","launched":"2026-03-01T12:00:24Z"}""",
            Timeline(world));
    }

    [Fact]
    public void Steps_that_are_not_reached_by_all_are_left_out()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Settle();
        At(world, 10);
        world.RunWorkers(1);
        At(world, 40);
        world.Settle();

        Assert.Equal("1/2", world.Status["workers"]!["summary"]!.ToString());
        Assert.Equal("""{"created":"2026-03-01T12:00:00Z"}""", Timeline(world));
    }

    [Fact]
    public void What_happens_after_the_launch_changes_nothing_of_it_be_the_operator_another_one()
    {
        var world = Launched(new FakeWorld(Jobs.Pi(2)));
        var before = Timeline(world);

        // A container that was restarted, and a worker that came later.
        At(world, 100);
        world.Worker(1, pod => world.Run(pod));
        world.Edit(static spec => spec["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 3);
        world.Settle();
        world.RunWorkers();
        world.Settle();
        world.CompleteLauncher();
        world.Settle();
        world.FinishDeletions();
        world.Settle();

        Assert.Equal(before, Timeline(world));
    }

    [Fact]
    public void A_job_that_was_over_before_it_was_seen_to_run_has_the_times_that_its_pods_tell()
    {
        var world = new FakeWorld(Jobs.Pi(1));
        world.Settle();
        At(world, 5);
        world.RunWorkers();
        world.RunLauncher();
        Gate(world, "proven", 1, 4);
        world.CompleteLauncher();
        world.Settle();

        Assert.Equal("Succeeded", world.Status["state"]!.ToString());
        Assert.Equal(
            """{"created":"2026-03-01T12:00:00Z","scheduled":"2026-03-01T12:00:05Z","running":"2026-03-01T12:00:05Z","reachable":"2026-03-01T12:00:04Z","launched":"2026-03-01T12:00:05Z"}""",
            Timeline(world));
    }

    [Fact]
    public void Workers_that_the_gate_did_not_wait_for_were_not_reachable()
    {
        var world = Launched(new FakeWorld(Jobs.Pi(2)), opened: "timeout");

        Assert.DoesNotContain("reachable", Timeline(world), StringComparison.Ordinal);
        Assert.Contains("launched", Timeline(world), StringComparison.Ordinal);
    }

    [Fact]
    public void The_next_attempt_has_a_timeline_of_its_own()
    {
        var world = Launched(new FakeWorld(Jobs.Pi(2)));
        At(world, 300);
        world.Worker(1, FakeWorld.Evict);
        world.Settle();
        Assert.Equal("", Timeline(world));

        world.FinishDeletions();
        world.Settle();
        At(world, 310);
        world.RunWorkers();
        At(world, 320);
        world.RunLauncher();
        Gate(world, "proven", 2, 319);
        world.Settle();

        // The worker that survived was there before; the one that was made anew came last.
        Assert.Equal(
            """{"created":"2026-03-01T12:05:00Z","scheduled":"2026-03-01T12:05:10Z","running":"2026-03-01T12:05:10Z","reachable":"2026-03-01T12:05:19Z","launched":"2026-03-01T12:05:20Z"}""",
            Timeline(world));
    }

    [Fact]
    public void A_resumed_job_begins_anew()
    {
        var world = Launched(new FakeWorld(Jobs.Pi(2)));
        world.Edit(static spec => spec.RunPolicy()["suspend"] = true);
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.Equal("", Timeline(world));

        At(world, 600);
        world.Edit(static spec => spec.RunPolicy()["suspend"] = false);
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();

        Assert.Equal("""{"created":"2026-03-01T12:10:00Z","scheduled":"2026-03-01T12:10:00Z","running":"2026-03-01T12:10:00Z","launched":"2026-03-01T12:10:00Z"}""", Timeline(world));
    }

    [Fact]
    public void It_is_worth_no_write_of_its_own()
    {
        var world = new FakeWorld(Jobs.Pi(1));
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        Assert.DoesNotContain("reachable", Timeline(world), StringComparison.Ordinal);

        // The gate's word comes late: everything else has been said.
        Gate(world, "proven", 1, 1);
        Assert.True(world.Pass().IsEmpty);

        world.CompleteLauncher();
        world.Settle();
        Assert.Contains("reachable", Timeline(world), StringComparison.Ordinal);
    }

    /// <summary>Workers come 10 s apart, the gate opens 3 s later, and the launcher's command begins.</summary>
    private static FakeWorld Launched(FakeWorld world, string opened = "proven")
    {
        world.Settle();
        At(world, 10);
        world.RunWorkers(1);
        world.Settle();
        At(world, 20);
        world.RunWorkers();
        world.Settle();
        At(world, 24);
        world.RunLauncher();
        Gate(world, opened, 2, 23);
        world.Settle();
        return world;
    }

    private static void At(FakeWorld world, int seconds) => world.Now = Noon.AddSeconds(seconds);

    private static void Gate(FakeWorld world, string opened, int workers, int endedAt) => world.LauncherPods.Last().Object("status")["initContainerStatuses"] = new JsonArray(new JsonObject
    {
        ["name"] = "kubempi-gate",
        ["state"] = new JsonObject
        {
            ["terminated"] = new JsonObject
            {
                ["exitCode"] = 0,
                ["finishedAt"] = KubeTime.Format(Noon.AddSeconds(endedAt)),
                ["message"] = $$$"""{"gate":{"opened":"{{{opened}}}","total":{{{workers}}},"proven":{{{(opened == "proven" ? workers : 0)}}}}}""",
            },
        },
    });

    private static string Timeline(FakeWorld world) => world.Status["timeline"]?.ToJsonString() ?? "";
}
