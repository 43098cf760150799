using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

public sealed class AttemptTests
{
    [Fact]
    public void A_launcher_that_vanished_without_a_result_fails_the_job_and_is_not_run_again()
    {
        var world = MainPathTests.Started(2);
        world.Remove(Kinds.Job, "pi-launcher");
        foreach (var pod in world.LauncherPods.ToList()) world.Remove(Kinds.Pod, FakeWorld.Text(pod, "metadata", "name"));
        world.Settle();
        Assert.Equal("LauncherDeleted", FakeWorld.Text(world.Condition("Failed")!, "reason"));
        Assert.Null(world.Launcher);
        Assert.NotNull(world.Status["completionTime"]);
    }

    [Fact]
    public void A_launcher_that_somebody_deleted_before_it_was_recorded_has_vanished_and_is_not_run_again()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Pass();
        world.Launched = LauncherView.Read(KubeObject.From(world.Launcher!).Root);
        Assert.Null(world.Status["attempt"]!["launcherUID"]);
        world.Remove(Kinds.Job, "pi-launcher");
        world.Settle();
        Assert.Equal("LauncherDeleted", FakeWorld.Text(world.Condition("Failed")!, "reason"));
        Assert.Null(world.Launcher);
    }

    [Fact]
    public void A_vanished_launcher_is_asked_for_at_the_server_before_anything_is_decided()
    {
        var world = MainPathTests.Started(2);
        var hidden = world.Launcher!;
        world.Remove(Kinds.Job, "pi-launcher");
        var plan = Planner.Decide(world.Observe());
        Assert.Equal([new ObjectToConfirm(Kinds.Job, new ObjectKey("default", "pi-launcher"))], plan.Confirm);
        Assert.Empty(plan.Actions);
        Assert.Null(plan.Status);
        world.Put(Kinds.Job, hidden);
        Assert.True(world.Pass().IsEmpty);
    }

    [Fact]
    public void A_vanished_launcher_becomes_the_next_attempt_where_the_operator_is_told_so()
    {
        var world = MainPathTests.Started(2, options: new PlanningOptions { OnLauncherDeleted = LauncherLossPolicy.Retry });
        world.Remove(Kinds.Job, "pi-launcher");
        foreach (var pod in world.LauncherPods.ToList()) world.Remove(Kinds.Pod, FakeWorld.Text(pod, "metadata", "name"));
        world.Settle();
        Assert.Equal("2", world.Status["attempt"]!["number"]!.ToString());
        Assert.Equal("5", world.Launcher!["spec"]!["backoffLimit"]!.ToString());
    }

    [Fact]
    public void An_operator_that_died_after_the_announcement_makes_the_launcher_afterwards()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Pass(writes: 3);
        world.Settle();
        Assert.NotNull(world.Launcher);
        Assert.Equal(2, world.Workers.Count());
        Assert.Single(world.Events, static e => e.Reason == "MPIJobCreated");
    }

    [Fact]
    public void A_job_that_the_old_operator_began_is_taken_over_with_its_launcher()
    {
        var world = MainPathTests.Started(2, options: new PlanningOptions { Strict = true });
        foreach (var added in (string[])["attempt", "state", "workers", "observedGeneration"]) world.Status.Remove(added);
        world.Options = new PlanningOptions();
        var writes = world.Writes.Count;
        world.Settle();
        // The Service now also publishes addresses of pods that are not ready; nothing else is touched.
        Assert.Equal(["status", "patch Service pi"], world.Writes.Skip(writes));
        Assert.Equal(FakeWorld.Text(world.Launcher!, "metadata", "uid"), world.Status["attempt"]!["launcherUID"]!.ToString());
    }

    [Fact]
    public void An_evicted_worker_restarts_the_gang_and_counts_against_nobody()
    {
        var world = MainPathTests.Started(2, static s => s.RunPolicy()["backoffLimit"] = 0);
        var first = FakeWorld.Text(world.Launcher!, "metadata", "uid");
        world.Worker(1, FakeWorld.Evict);
        world.Settle();

        var restarting = world.Condition("Restarting")!;
        Assert.Equal(("True", "MPIJobEvicted"), (FakeWorld.Text(restarting, "status"), FakeWorld.Text(restarting, "reason")));
        Assert.Equal("1/2 workers are evicted: worker pi-worker-1 was evicted: The node was low on resource: memory.", FakeWorld.Text(restarting, "message"));
        Assert.Null(world.Condition("Running"));
        Assert.Null(world.Condition("Failed"));
        Assert.Equal("Restarting", world.Status["state"]!.ToString());
        Assert.Contains(PlanCounter.JobsRestarted, world.Counters);

        // While the old launcher and its pods are there nothing of the new attempt is.
        Assert.NotNull(world.Launcher!["metadata"]!["deletionTimestamp"]);
        world.FinishDeletions();
        world.Settle();
        Assert.NotEqual(first, FakeWorld.Text(world.Launcher!, "metadata", "uid"));
        Assert.Equal("2", world.Status["attempt"]!["number"]!.ToString());
        Assert.Equal("0", world.Launcher!["spec"]!["backoffLimit"]!.ToString());
        Assert.Equal("2", FakeWorld.Text(world.Launcher!, "metadata", "annotations", PlanningNames.Attempt));

        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        Assert.Equal("True", FakeWorld.Text(world.Condition("Running")!, "status"));
        Assert.Null(world.Condition("Restarting"));
        Assert.Equal("1", world.Status["attempt"]!["restarts"]!.ToString());
    }

    [Fact]
    public void An_eviction_is_said_once_and_is_no_failure_however_often_the_evicted_pod_is_seen()
    {
        var world = MainPathTests.Started(2);
        world.Worker(1, FakeWorld.Evict);
        for (var look = 0; look < 30; look++)
        {
            world.Settle();
            world.Now += TimeSpan.FromSeconds(1);
        }

        Assert.Single(world.Events, static e => e.Reason == "MPIJobEvicted");
        Assert.DoesNotContain(PlanCounter.JobsFailed, world.Counters);

        // Its successor's end is the job's, with no trace of a failure.
        world.FinishDeletions();
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        world.CompleteLauncher();
        world.Settle();
        Assert.Equal("True", FakeWorld.Text(world.Condition("Succeeded")!, "status"));
        Assert.Null(world.Condition("Failed"));
        Assert.Single(world.Events, static e => e.Reason == "MPIJobEvicted");
        world.FinishDeletions();
        Assert.Empty(world.Workers);
    }

    [Fact]
    public void A_restart_waits_for_the_pods_of_the_old_launcher_even_when_the_job_is_gone()
    {
        var world = MainPathTests.Started(2);
        world.Worker(0, FakeWorld.Evict);
        world.Settle();
        world.Remove(Kinds.Job, "pi-launcher");
        world.Remove(Kinds.Pod, "pi-worker-0");
        world.Settle();
        Assert.Null(world.Launcher);
        Assert.Null(world.Find(Kinds.Pod, "pi-worker-0"));
        world.FinishDeletions();
        world.Settle();
        Assert.NotNull(world.Launcher);
    }

    [Fact]
    public void A_suspension_between_two_attempts_is_said_after_the_workers_that_are_left_were_told_to_go()
    {
        var world = MainPathTests.Started(2);
        world.Worker(0, FakeWorld.Evict);
        world.Settle();
        world.FinishDeletions();
        world.Edit(static spec => spec.RunPolicy()["suspend"] = true);
        var plan = Planner.Decide(world.Observe());
        Assert.False(plan.StatusFirst);
        Assert.NotEmpty(plan.Actions);
        world.Apply(plan);
        world.FinishDeletions();
        world.Settle();
        Assert.Empty(world.Workers);
        Assert.Equal("True", FakeWorld.Text(world.Condition("Suspended")!, "status"));
        Assert.Equal("2", world.Status["attempt"]!["number"]!.ToString());
    }

    [Fact]
    public void Workers_that_infrastructure_takes_restart_the_gang_three_times_and_then_the_job_has_failed()
    {
        var world = MainPathTests.Started(2);
        for (var loss = 1; loss <= 3; loss++)
        {
            world.Worker(0, FakeWorld.Evict);
            world.Settle();
            world.FinishDeletions();
            world.Settle();
            world.RunWorkers();
            world.RunLauncher();
            world.Settle();
            Assert.Equal((loss + 1).ToString(), world.Status["attempt"]!["number"]!.ToString());
        }

        world.Worker(0, FakeWorld.Evict);
        world.Settle();
        var failed = world.Condition("Failed")!;
        Assert.Equal("MPIJobEvicted", FakeWorld.Text(failed, "reason"));
        Assert.StartsWith("1/2 workers are evicted: ", FakeWorld.Text(failed, "message"), StringComparison.Ordinal);
        Assert.EndsWith("already restarted 3 times for lost pods", FakeWorld.Text(failed, "message"), StringComparison.Ordinal);
        // Its launcher must not go on alone.
        Assert.Equal("true", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
    }

    [Fact]
    public void A_worker_killed_for_memory_restarts_the_gang_and_counts()
    {
        var world = MainPathTests.Started(2, static s => s.RunPolicy()["backoffLimit"] = 2);
        world.Worker(1, p => world.Exit(p, 137, "OOMKilled"));
        world.Settle();
        Assert.Equal("worker pi-worker-1 failed, container worker: exit code 137 (OOMKilled)", FakeWorld.Text(world.Condition("Restarting")!, "message"));
        world.FinishDeletions();
        world.Settle();
        Assert.Equal("1", world.Launcher!["spec"]!["backoffLimit"]!.ToString());
    }

    [Fact]
    public void A_worker_that_fails_by_itself_with_no_retries_left_fails_the_job_with_pod_and_exit_code()
    {
        var world = MainPathTests.Started(2, static s => s.RunPolicy()["backoffLimit"] = 0);
        world.Worker(0, p => world.Exit(p, 255, message: "sshd: no hostkeys available -- exiting."));
        world.Settle();
        var failed = world.Condition("Failed")!;
        Assert.Equal("BackoffLimitExceeded", FakeWorld.Text(failed, "reason"));
        Assert.Equal(
            "worker pi-worker-0 failed, container worker: exit code 255: sshd: no hostkeys available -- exiting.; no retries left (backoffLimit 0)",
            FakeWorld.Text(failed, "message"));
    }

    [Fact]
    public void A_worker_that_fails_before_the_launcher_is_made_counts_and_is_replaced()
    {
        var world = new FakeWorld(Jobs.Pi(2, static s => s["launcherCreationPolicy"] = "WaitForWorkersReady"));
        world.Settle();
        world.Worker(0, p => world.Exit(p, 1));
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.Equal(("2", "1"), (world.Status["attempt"]!["number"]!.ToString(), world.Status["attempt"]!["failures"]!.ToString()));
        Assert.Equal("Pending", FakeWorld.Text(world.Find(Kinds.Pod, "pi-worker-0")!, "status", "phase"));
    }

    [Fact]
    public void A_worker_that_ends_well_beside_a_running_launcher_is_no_loss()
    {
        var world = MainPathTests.Started(2);
        world.Worker(0, p => world.Exit(p, 0));
        world.Settle();
        Assert.NotNull(world.Find(Kinds.Pod, "pi-worker-0"));
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
    }

    [Fact]
    public void A_worker_that_was_deleted_under_a_running_launcher_restarts_the_gang()
    {
        var world = MainPathTests.Started(2);
        world.Remove(Kinds.Pod, "pi-worker-1");
        world.Settle();
        Assert.Equal("worker pi-worker-1 is gone", FakeWorld.Text(world.Condition("Restarting")!, "message"));
    }

    [Fact]
    public void A_worker_missing_in_a_stale_view_is_no_loss()
    {
        var world = MainPathTests.Started(2);
        var seen = world.Observe();
        var stale = seen with { Workers = [seen.Workers[0]] };
        var plan = Planner.Decide(stale);
        Assert.Equal("pi-worker-1", Assert.Single(plan.Confirm).Key.Name);
        Assert.Empty(plan.Actions);
    }

    [Fact]
    public void A_worker_deleted_before_the_launcher_has_started_is_just_made_again()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Settle();
        world.Remove(Kinds.Pod, "pi-worker-1");
        world.Settle();
        Assert.NotNull(world.Find(Kinds.Pod, "pi-worker-1"));
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
    }

    [Fact]
    public void A_launcher_that_failed_because_a_worker_was_evicted_is_no_failure_of_the_user()
    {
        var world = MainPathTests.Started(2, static s => s.RunPolicy()["backoffLimit"] = 0);
        world.Worker(1, FakeWorld.Evict);
        world.FailLauncherPod(1, "ORTE has lost communication with a remote daemon.");
        world.FailLauncher();
        world.Settle();
        Assert.Null(world.Condition("Failed"));
        Assert.Equal("MPIJobEvicted", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
    }

    [Fact]
    public void The_next_attempt_gets_what_is_left_of_the_deadline()
    {
        var world = MainPathTests.Started(1, static s => s.RunPolicy()["activeDeadlineSeconds"] = 600);
        world.Now += TimeSpan.FromSeconds(200);
        world.Worker(0, FakeWorld.Evict);
        world.Settle();
        world.FinishDeletions();
        world.Now += TimeSpan.FromSeconds(50);
        world.Settle();
        Assert.Equal("400", world.Launcher!["spec"]!["activeDeadlineSeconds"]!.ToString());
    }

    [Fact]
    public void A_loss_that_comes_with_the_end_of_the_deadline_leaves_the_launcher_to_the_clean_up()
    {
        var world = MainPathTests.Started(1, static s =>
        {
            s.RunPolicy()["activeDeadlineSeconds"] = 600;
            s.RunPolicy()["ttlSecondsAfterFinished"] = 30;
        });
        world.Now += TimeSpan.FromSeconds(600);
        world.Worker(0, FakeWorld.Evict);
        world.Settle();
        Assert.Equal("DeadlineExceeded", FakeWorld.Text(world.Condition("Failed")!, "reason"));
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
        world.FailLauncher();
        world.Settle();
        Assert.Equal("30", world.Launcher!["spec"]!["ttlSecondsAfterFinished"]!.ToString());
    }

    [Fact]
    public void An_elastic_job_keeps_its_launcher_when_a_worker_is_lost()
    {
        var world = MainPathTests.Started(3, static s => s.Container("Launcher")["command"] = new JsonArray("horovodrun", "--host-discovery-script", "/etc/mpi/discover_hosts.sh", "python", "train.py"));
        var launcher = FakeWorld.Text(world.Launcher!, "metadata", "uid");
        world.Remove(Kinds.Pod, "pi-worker-1");
        world.Settle();
        Assert.NotNull(world.Find(Kinds.Pod, "pi-worker-1"));
        world.Worker(2, FakeWorld.Evict);
        world.Settle();
        Assert.Equal("Failed", FakeWorld.Text(world.Find(Kinds.Pod, "pi-worker-2")!, "status", "phase"));
        world.Now += TimeSpan.FromSeconds(10);
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.Equal("Pending", FakeWorld.Text(world.Find(Kinds.Pod, "pi-worker-2")!, "status", "phase"));
        Assert.Equal(launcher, FakeWorld.Text(world.Launcher!, "metadata", "uid"));
    }

    [Fact]
    public void Workers_that_the_gate_did_not_wait_for_are_named_in_a_condition()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.LauncherPods.Single().Object("status")["initContainerStatuses"] = new JsonArray(new JsonObject
        {
            ["name"] = "kubempi-gate",
            ["state"] = new JsonObject
            {
                ["terminated"] = new JsonObject
                {
                    ["exitCode"] = 0,
                    ["message"] = """{"gate":{"opened":"timeout","total":2,"proven":1,"missing":[{"host":"pi-worker-1","cause":"Refused","reason":"connection refused on port 22"}],"workers":[]}}""",
                },
            },
        });
        world.Settle();
        Assert.Equal(
            "1 of 2 workers were reachable when the wait ended; the launcher started without pi-worker-1 (connection refused on port 22)",
            FakeWorld.Text(world.Condition("GateBypassed")!, "message"));
        Assert.Single(world.Events, static e => e.Reason == "GateBypassed");
    }
}
