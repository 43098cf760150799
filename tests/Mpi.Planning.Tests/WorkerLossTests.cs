using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;

namespace Mpi.Planning.Tests;

/// <summary>Workers that the launcher's agent has lost: whose doing it was, what it costs, and which pods stay (design sections 3 and 4).</summary>
public sealed class WorkerLossTests
{
    private const string Closed = "the connection was closed";
    private const string Silence = "no sign of life for 20 s";

    [Fact]
    public void Where_all_pods_survived_the_ranks_start_again_in_the_same_pods()
    {
        var world = Running(static spec => spec.RunPolicy()["backoffLimit"] = 1);
        var (workers, launcher) = (Uids(world), Uid(world.Launcher!));
        world.Worker(1, pod => world.Restart(pod, 137, "OOMKilled"));
        world.FailLauncherPod(1, Lost(Closed, "pi-worker-1"));
        world.Settle();

        var restarting = world.Condition("Restarting")!;
        Assert.Equal(
            ("WorkerFailed", "worker pi-worker-1 was lost (the connection was closed): container worker: exit code 137 (OOMKilled)"),
            (FakeWorld.Text(restarting, "reason"), FakeWorld.Text(restarting, "message")));
        Assert.Single(world.Events, static e => e.Reason == "WorkerFailed" && e.Message.EndsWith("(OOMKilled); starting attempt 2", StringComparison.Ordinal));

        GoOn(world);
        Assert.Equal(workers, Uids(world));
        Assert.NotEqual(launcher, Uid(world.Launcher!));
        Assert.Equal("Running", world.Status["state"]!.ToString());
        // One failure, not a second one for the launcher that died of it.
        Assert.Equal("1", world.Status["attempt"]!["failures"]!.ToString());
        Assert.Equal("0", world.Launcher!["spec"]!["backoffLimit"]!.ToString());
    }

    [Fact]
    public void A_worker_that_was_cut_off_costs_the_user_no_retry_and_nobody_a_pod()
    {
        var world = Running(static spec => spec.RunPolicy()["backoffLimit"] = 0);
        var workers = Uids(world);
        world.FailLauncherPod(1, Lost(Silence, "pi-worker-1"));
        world.FailLauncher();
        SettleLater(world);

        var restarting = world.Condition("Restarting")!;
        Assert.Equal(
            ("WorkerLost", "worker pi-worker-1 was lost (no sign of life for 20 s), and its pod has not ended"),
            (FakeWorld.Text(restarting, "reason"), FakeWorld.Text(restarting, "message")));

        GoOn(world);
        Assert.Equal(workers, Uids(world));
        Assert.Equal((null, "1"), (world.Status["attempt"]!["failures"], world.Status["attempt"]!["losses"]!.ToString()));
        Assert.Equal("0", world.Launcher!["spec"]!["backoffLimit"]!.ToString());
    }

    [Theory]
    [InlineData(0, null, "worker pi-worker-1 was deleted")]
    [InlineData(2, null, "worker pi-worker-1 was deleted")]
    [InlineData(-10, "1", "worker pi-worker-1 failed, container worker: exit code 143")]
    public void A_worker_that_ends_because_it_was_deleted_has_not_failed_by_itself(int endsAfter, string? failures, string message)
    {
        var world = Running(static spec => spec.RunPolicy()["backoffLimit"] = 1);
        world.Worker(1, pod =>
        {
            pod["metadata"]!["deletionTimestamp"] = KubeTime.Format(world.Now.AddSeconds(30));
            pod["metadata"]!["deletionGracePeriodSeconds"] = 30;
            pod["status"]!["phase"] = "Failed";
            pod["status"]!["containerStatuses"] = new JsonArray((JsonNode)new JsonObject
            {
                ["name"] = "worker",
                ["state"] = new JsonObject { ["terminated"] = new JsonObject { ["exitCode"] = 143, ["finishedAt"] = KubeTime.Format(world.Now.AddSeconds(endsAfter)) } },
            });
        });
        world.Settle();
        Assert.Equal(message, FakeWorld.Text(world.Condition("Restarting")!, "message"));
        Assert.Equal((failures, failures is null ? "1" : null), (world.Status["attempt"]!["failures"]?.ToString(), world.Status["attempt"]!["losses"]?.ToString()));
    }

    [Fact]
    public void Only_a_worker_whose_pod_has_failed_gets_a_new_one_and_the_loss_is_counted_once()
    {
        var world = Running(static spec => spec.RunPolicy()["backoffLimit"] = 1);
        var workers = Uids(world);
        world.FailLauncherPod(1, Lost(Closed, "pi-worker-1"));
        world.Worker(1, pod => world.Exit(pod, 139));
        world.Settle();
        GoOn(world);

        Assert.Equal(workers[0], Uids(world)[0]);
        Assert.NotEqual(workers[1], Uids(world)[1]);
        Assert.Equal("1", world.Status["attempt"]!["failures"]!.ToString());
        Assert.Null(world.Condition("Failed"));
    }

    [Fact]
    public void A_worker_whose_connection_was_lost_and_that_was_then_told_that_all_is_over_has_not_failed_by_itself()
    {
        var world = Running();
        world.FailLauncherPod(1, Lost(Silence, "pi-worker-1"));
        world.Worker(1, pod => world.Restart(pod, 0));
        SettleLater(world);

        Assert.Equal((null, "1"), (world.Status["attempt"]!["failures"]?.ToString(), world.Status["attempt"]!["losses"]?.ToString()));
    }

    [Fact]
    public void A_pod_that_is_slower_than_its_connection_is_heard_before_anything_is_decided()
    {
        var world = Running();
        world.FailLauncherPod(1, Lost(Closed, "pi-worker-1"));
        world.Settle();
        Assert.Null(world.Condition("Restarting"));

        world.Now += TimeSpan.FromSeconds(2);
        world.Worker(1, FakeWorld.Evict);
        world.Settle();

        Assert.Equal("MPIJobEvicted", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
    }

    [Fact]
    public void A_worker_that_ended_well_is_lost_to_a_launcher_that_is_tried_again()
    {
        var world = Running();
        world.Worker(1, pod => world.Exit(pod, 0));
        world.Settle();
        Assert.Null(world.Condition("Restarting"));

        // No launcher's command was there to need it, until the Job makes the next pod.
        world.FailLauncherPod(1);
        world.Settle();
        Assert.Null(world.Condition("Restarting"));
        world.StartLauncherPod();
        world.Settle();

        Assert.Equal("worker pi-worker-1 ended with exit code 0 before the launcher started", FakeWorld.Text(world.Condition("Restarting")!, "message"));
    }

    [Fact]
    public void The_last_retry_is_not_spent_on_a_launcher_that_died_of_its_worker()
    {
        // restartPolicy OnFailure: the Job has failed, and has taken its pod along.
        var world = Running(static spec => spec.RunPolicy()["backoffLimit"] = 1);
        world.FailLauncherPod(1, Lost(Closed, "pi-worker-1"));
        world.LastLauncherFailure = PodView.Read(KubeObject.From(world.LauncherPods.Single()).Root);
        world.Remove(Kinds.Pod, FakeWorld.Text(world.LauncherPods.Single(), "metadata", "name"));
        world.FailLauncher();
        world.Worker(1, pod => world.Restart(pod, 1));
        world.Settle();

        Assert.Null(world.Condition("Failed"));
        Assert.Equal("WorkerFailed", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
    }

    [Fact]
    public void A_worker_that_always_fails_ends_the_job_when_the_retries_are_spent()
    {
        var world = Running(static spec => spec.RunPolicy()["backoffLimit"] = 2);
        for (var loss = 1; loss <= 2; loss++)
        {
            LoseByItsOwn(world);
            GoOn(world);
            Assert.Equal($"{loss + 1}", world.Status["attempt"]!["number"]!.ToString());
        }

        LoseByItsOwn(world);

        var failed = world.Condition("Failed")!;
        Assert.Equal("BackoffLimitExceeded", FakeWorld.Text(failed, "reason"));
        Assert.Equal(
            "worker pi-worker-1 was lost (the connection was closed): container worker: exit code 137; no retries left (backoffLimit 2)",
            FakeWorld.Text(failed, "message"));

        static void LoseByItsOwn(FakeWorld world)
        {
            world.Now += TimeSpan.FromMinutes(1);
            world.Worker(1, pod => world.Restart(pod, 137));
            world.FailLauncherPod(1, Lost(Closed, "pi-worker-1"));
            world.Settle();
        }
    }

    [Fact]
    public void A_worker_that_is_always_cut_off_ends_the_job_after_three_restarts()
    {
        var world = Running();
        for (var loss = 1; loss <= 3; loss++)
        {
            CutOff(world);
            GoOn(world);
        }

        CutOff(world);

        var failed = world.Condition("Failed")!;
        Assert.Equal("WorkerLost", FakeWorld.Text(failed, "reason"));
        Assert.EndsWith("already restarted 3 times for lost pods", FakeWorld.Text(failed, "message"), StringComparison.Ordinal);

        static void CutOff(FakeWorld world)
        {
            world.Now += TimeSpan.FromMinutes(1);
            world.FailLauncherPod(1, Lost(Silence, "pi-worker-1"));
            SettleLater(world);
        }
    }

    [Fact]
    public void An_end_from_before_the_launchers_start_explains_no_loss()
    {
        var world = new FakeWorld(AgentTransportTests.Agent());
        world.Settle();
        world.RunWorkers();
        // While the gate waited.
        world.Worker(1, pod => world.Restart(pod, 3));
        world.Now += TimeSpan.FromSeconds(30);
        world.RunLauncher();
        world.Settle();

        world.FailLauncherPod(1, Lost(Silence, "pi-worker-1"));
        SettleLater(world);

        Assert.Equal("WorkerLost", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
    }

    [Fact]
    public void A_container_whose_end_nobody_saw_is_its_nodes_doing()
    {
        var world = Running();
        world.Worker(0, pod => world.Restart(pod, 255, "Unknown"));
        world.FailLauncherPod(1, Lost(Silence, "pi-worker-0"));
        world.Settle();

        Assert.Equal("WorkerLost", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
    }

    [Fact]
    public void What_was_cut_off_beside_a_worker_that_failed_is_its_doing()
    {
        var world = Running();
        world.Worker(1, pod => world.Restart(pod, 137, "OOMKilled"));
        world.FailLauncherPod(1, Lost(Closed, "pi-worker-0", "pi-worker-1"));
        world.Settle();

        Assert.Equal("WorkerFailed", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
        Assert.DoesNotContain("pi-worker-0", FakeWorld.Text(world.Condition("Restarting")!, "message"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_clock_that_is_ahead_holds_nothing_up()
    {
        var world = Running();
        world.FailLauncherPod(1, Lost(Silence, "pi-worker-1"));
        world.LauncherPods.Single()["status"]!["containerStatuses"]![0]!["state"]!["terminated"]!["finishedAt"] = KubeTime.Format(world.Now.AddHours(1));
        world.Settle();

        Assert.Equal("WorkerLost", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
    }

    [Fact]
    public void A_launcher_that_fails_by_itself_is_its_Jobs_to_try_again()
    {
        var world = Running();
        world.FailLauncherPod(3, "could not open input");
        SettleLater(world);

        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
        Assert.Null(world.Condition("Restarting"));
    }

    [Fact]
    public void An_elastic_programs_failure_is_its_own_whatever_it_has_lost_before()
    {
        var world = Running(static spec => spec.Container("Launcher")["command"] = new JsonArray("horovodrun", "--host-discovery-script", "/etc/mpi/discover_hosts.sh", "python", "train.py"));
        world.FailLauncherPod(1, Lost(Closed, "pi-worker-1"));
        SettleLater(world);

        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
    }

    [Fact]
    public void A_worker_that_the_job_no_longer_has_is_no_loss()
    {
        var world = Running();
        world.FailLauncherPod(1, Lost(Closed, "pi-worker-7", "pi-worker-x"));
        SettleLater(world);

        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
    }

    private static FakeWorld Running(Action<JsonObject>? spec = null)
    {
        var world = new FakeWorld(AgentTransportTests.Agent(spec));
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        world.Now += TimeSpan.FromMinutes(1);
        return world;
    }

    /// <summary>The old launcher and what was lost are gone, and the next attempt runs.</summary>
    private static void GoOn(FakeWorld world)
    {
        world.FinishDeletions();
        world.LastLauncherFailure = null;
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
    }

    /// <summary>Settles, and once more at the time at which the plan looks again.</summary>
    private static void SettleLater(FakeWorld world)
    {
        world.Settle();
        if (Planner.Decide(world.Observe()).RevisitAt is { } at && at > world.Now) world.Now = at;
        world.Settle();
    }

    private static string Lost(string reason, params string[] hosts) =>
        new AgentReport { Launcher = new LauncherReport { Lost = [.. hosts.Select(h => new LostWorker(h, reason))] } }.ToTerminationMessage();

    private static List<string> Uids(FakeWorld world) => [.. world.Workers.OrderBy(static p => FakeWorld.Text(p, "metadata", "name"), StringComparer.Ordinal).Select(Uid)];

    private static string Uid(JsonObject tree) => FakeWorld.Text(tree, "metadata", "uid");
}
