using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

public sealed class MainPathTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public void A_job_of_N_workers_takes_N_plus_12_writes_from_start_to_cleaned_up(int workers)
    {
        var world = new FakeWorld(Jobs.Pi(workers));
        world.Settle();
        for (var up = 0; up < workers; up++)
        {
            world.RunWorkers(1);
            world.Settle();
            world.Now += TimeSpan.FromMilliseconds(300);
        }

        world.StartLauncherPod();
        world.Settle();
        world.RunLauncher();
        world.Settle();
        world.Now += TimeSpan.FromSeconds(10);
        foreach (var pod in world.LauncherPods) world.Exit(pod, 0);
        world.Settle();
        world.CompleteLauncher();
        world.Settle();
        world.FinishDeletions();
        world.Settle();

        Assert.Equal(workers + 12, world.Writes.Count);
        Assert.Equal(["event MPIJobCreated", "event MPIJobRunning", "event MPIJobSucceeded"], world.Writes.Where(static w => w.StartsWith("event", StringComparison.Ordinal)));
        Assert.Equal([PlanCounter.JobsCreated, PlanCounter.JobsSuccessful], world.Counters);
        Assert.Empty(world.Workers);
    }

    [Theory]
    [InlineData("OpenMPI", false)]
    [InlineData("OpenMPI", true)]
    [InlineData("Intel", false)]
    [InlineData("Intel", true)]
    [InlineData("MPICH", false)]
    [InlineData("MPICH", true)]
    public void The_attempt_is_recorded_before_anything_is_made_and_objects_are_made_in_order(string implementation, bool strict)
    {
        var world = new FakeWorld(Jobs.Pi(5, s => s["mpiImplementation"] = implementation)) { Options = Mode(strict) };
        world.Pass();
        Assert.Equal(
            ["status", "event MPIJobCreated", "create Service pi", "create ConfigMap pi-config", "create Secret pi-ssh",
                "create Pod pi-worker-0", "create Pod pi-worker-1", "create Pod pi-worker-2", "create Pod pi-worker-3", "create Pod pi-worker-4", "create Job pi-launcher"],
            world.Writes);
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
        Assert.Equal("""{"Launcher":{},"Worker":{}}""", world.Status["replicaStatuses"]!.ToJsonString());
        Assert.Equal("MPIJob default/pi is created.", FakeWorld.Text(world.Condition("Created")!, "message"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Running_is_said_once_when_the_launcher_and_all_workers_run(bool strict)
    {
        var world = Started(2, options: Mode(strict));
        Assert.Equal("True", FakeWorld.Text(world.Condition("Running")!, "status"));
        Assert.Equal("MPIJob default/pi is running.", FakeWorld.Text(world.Condition("Running")!, "message"));
        Assert.Single(world.Events, static e => e.Reason == "MPIJobRunning");
        Assert.Equal("""{"active":1}""", world.Status["replicaStatuses"]!["Launcher"]!.ToJsonString());
        Assert.Equal("""{"active":2}""", world.Status["replicaStatuses"]!["Worker"]!.ToJsonString());
        Assert.Equal("2/2", world.Status["workers"]!["summary"]!.ToString());
        Assert.Equal("Running", world.Status["state"]!.ToString());
        Assert.Equal(FakeWorld.Text(world.Launcher!, "metadata", "uid"), world.Status["attempt"]!["launcherUID"]!.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Running_waits_for_every_worker(bool strict)
    {
        var world = new FakeWorld(Jobs.Pi(2)) { Options = Mode(strict) };
        world.Settle();
        world.RunWorkers(1);
        world.RunLauncher();
        world.Settle();
        world.Now += TimeSpan.FromSeconds(20);
        world.Settle();
        Assert.Null(world.Condition("Running"));
        Assert.Equal("""{"active":1}""", world.Status["replicaStatuses"]!["Launcher"]!.ToJsonString());
        Assert.Equal("""{"active":1}""", world.Status["replicaStatuses"]!["Worker"]!.ToJsonString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_launcher_that_succeeded_ends_the_job_with_running_false_and_its_old_times(bool strict)
    {
        var world = Started(2, options: Mode(strict));
        var since = FakeWorld.Text(world.Condition("Running")!, "lastTransitionTime");
        world.Now += TimeSpan.FromMinutes(3);
        world.CompleteLauncher();
        world.Settle();
        Assert.Equal("True", FakeWorld.Text(world.Condition("Succeeded")!, "status"));
        Assert.Equal("MPIJob default/pi successfully completed.", FakeWorld.Text(world.Condition("Succeeded")!, "message"));
        var running = world.Condition("Running")!;
        Assert.Equal(("False", "MPIJobRunning", since), (FakeWorld.Text(running, "status"), FakeWorld.Text(running, "reason"), FakeWorld.Text(running, "lastTransitionTime")));
        Assert.Equal("""{"succeeded":1}""", world.Status["replicaStatuses"]!["Launcher"]!.ToJsonString());
        Assert.Equal("3m0s", world.Status["duration"]!.ToString());
        Assert.Equal(FakeWorld.Text(world.Launcher!, "status", "completionTime"), world.Status["completionTime"]!.ToString());
    }

    [Fact]
    public void A_job_that_was_quicker_than_we_looked_still_gets_a_running_condition()
    {
        var world = new FakeWorld(Jobs.Pi(1));
        world.Settle();
        world.RunWorkers();
        world.StartLauncherPod();
        world.CompleteLauncher();
        world.Settle();
        var running = world.Condition("Running")!;
        Assert.Equal("MPIJob default/pi is finished but Running condition was never set.", FakeWorld.Text(running, "message"));
        Assert.Equal(world.Status["completionTime"]!.ToString(), FakeWorld.Text(running, "lastTransitionTime"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pod_view_that_lags_behind_the_end_does_not_bring_running_back(bool strict)
    {
        var world = Started(2, options: Mode(strict));
        world.CompleteLauncher();
        world.Settle();
        foreach (var pod in world.LauncherPods) world.Run(pod);
        Assert.True(world.Pass().IsEmpty);
        Assert.Equal("False", FakeWorld.Text(world.Condition("Running")!, "status"));
    }

    [Fact]
    public void A_failed_launcher_is_described_by_its_newest_pod()
    {
        var world = Started(1);
        world.FailLauncherPod(1, "could not open input");
        world.Now += TimeSpan.FromSeconds(10);
        world.RunLauncher();
        world.FailLauncherPod(3, "rank 3: file not found\n----------\nabort\n----------\n");
        world.FailLauncher();
        world.Settle();
        var failed = world.Condition("Failed")!;
        Assert.Equal("BackoffLimitExceeded", FakeWorld.Text(failed, "reason"));
        Assert.StartsWith("Job has reached the specified backoff limit; pod pi-launcher-", FakeWorld.Text(failed, "message"), StringComparison.Ordinal);
        Assert.EndsWith("container launcher: exit code 3: rank 3: file not found | abort", FakeWorld.Text(failed, "message"), StringComparison.Ordinal);
        Assert.Equal("""{"failed":2}""", world.Status["replicaStatuses"]!["Launcher"]!.ToJsonString());
        Assert.Contains(PlanCounter.JobsFailed, world.Counters);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_failed_launcher_whose_pod_has_a_reason_of_its_own_shows_it_as_kubeflow_does(bool strict)
    {
        var world = Started(1, options: Mode(strict));
        world.FailLauncherPod(1, "first message");
        world.Now += TimeSpan.FromSeconds(10);
        world.RunLauncher();
        world.FailLauncherPod(1);
        var status = world.LauncherPods.Last().Object("status");
        status["reason"] = "FailedReason2";
        status["message"] = "second message";
        status.Remove("containerStatuses");
        world.FailLauncher();
        world.Settle();
        Assert.Equal("BackoffLimitExceeded/FailedReason2", FakeWorld.Text(world.Condition("Failed")!, "reason"));
        Assert.Equal("Job has reached the specified backoff limit: second message", FakeWorld.Text(world.Condition("Failed")!, "message"));
        Assert.Equal("""{"failed":2}""", world.Status["replicaStatuses"]!["Launcher"]!.ToJsonString());
    }

    [Fact]
    public void A_failed_pod_that_the_job_retries_is_news_at_once_and_no_end()
    {
        var world = Started(1);
        world.FailLauncherPod(1);
        world.Settle();
        Assert.Equal("""{"failed":1}""", world.Status["replicaStatuses"]!["Launcher"]!.ToJsonString());
        Assert.Null(world.Condition("Failed"));
    }

    [Fact]
    public void Counters_alone_wait_until_the_pods_are_quiet()
    {
        var world = new FakeWorld(Jobs.Pi(4));
        world.Settle();
        var writes = world.Writes.Count;
        world.RunWorkers(2);
        var plan = world.Pass();
        Assert.True(plan.IsEmpty);
        Assert.Equal(world.Now.AddSeconds(15), plan.RevisitAt);
        Assert.Equal(writes, world.Writes.Count);
        world.Now += TimeSpan.FromSeconds(15);
        world.Settle();
        Assert.Equal("2/4", world.Status["workers"]!["summary"]!.ToString());
        Assert.Equal("""{"active":2}""", world.Status["replicaStatuses"]!["Worker"]!.ToJsonString());
        Assert.Equal(writes + 1, world.Writes.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_launcher_waits_for_ready_workers_when_the_policy_says_so(bool strict)
    {
        var world = new FakeWorld(Jobs.Pi(2, static s => s["launcherCreationPolicy"] = "WaitForWorkersReady")) { Options = Mode(strict) };
        world.Settle();
        foreach (var pod in world.Workers) world.Run(pod, ready: false);
        world.Settle();
        Assert.Null(world.Launcher);
        foreach (var pod in world.Workers) world.Run(pod);
        world.Settle();
        Assert.NotNull(world.Launcher);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Workers_that_run_without_a_launcher_get_one(bool strict)
    {
        var world = new FakeWorld(Jobs.Pi(16)) { Options = Mode(strict) };
        world.Pass();
        world.Remove(Kinds.Job, "pi-launcher");
        world.RunWorkers();
        world.Settle();
        Assert.Equal(["create Job pi-launcher"], world.Writes.Skip(5 + 16 + 1).Where(static w => w.StartsWith("create", StringComparison.Ordinal)));
        world.Now += TimeSpan.FromSeconds(20);
        world.Settle();
        Assert.Equal("""{"Launcher":{},"Worker":{"active":16}}""", world.Status["replicaStatuses"]!.ToJsonString());
    }

    [Fact]
    public void A_launcher_alone_needs_no_workers_and_no_gate()
    {
        var world = new FakeWorld(Jobs.Pi(0));
        world.Settle();
        Assert.Empty(world.Workers);
        Assert.Null(world.Launcher!["spec"]!["template"]!["spec"]!["initContainers"]);
        world.RunLauncher();
        world.Settle();
        Assert.Equal("True", FakeWorld.Text(world.Condition("Running")!, "status"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_job_of_another_manager_is_left_alone_entirely(bool strict)
    {
        var world = new FakeWorld(Jobs.Pi(2, static s => s.RunPolicy()["managedBy"] = "kueue.x-k8s.io/multikueue")) { Options = Mode(strict) };
        Assert.True(world.Pass().IsEmpty);
        Assert.Empty(world.Writes);
    }

    [Fact]
    public void A_job_managed_by_this_operator_by_name_runs()
    {
        var world = new FakeWorld(Jobs.Pi(2, static s => s.RunPolicy()["managedBy"] = "kubeflow.org/mpi-operator"));
        world.Settle();
        Assert.NotNull(world.Launcher);
    }

    [Fact]
    public void A_job_that_is_being_deleted_is_left_to_garbage_collection()
    {
        var world = Started(2);
        world.Job["metadata"]!["deletionTimestamp"] = "2026-03-01T12:00:00Z";
        world.Remove(Kinds.Pod, "pi-worker-0");
        Assert.True(world.Pass().IsEmpty);
    }

    [Fact]
    public void A_refused_creation_shows_in_a_condition_and_an_event_once_and_is_settled_when_it_goes_through()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Pass(writes: 4);
        world.Refused = new RefusedWrite("worker pod", "exceeded quota: gpu");
        world.Pass(writes: 1);
        world.Pass(writes: 0);
        Assert.Equal("worker pod created failed: exceeded quota: gpu", FakeWorld.Text(world.Condition("Blocked")!, "message"));
        Assert.Single(world.Events, static e => e.Reason == "MPIJobFailed");
        Assert.Equal("Blocked", world.Status["state"]!.ToString());
        world.Refused = null;
        world.Settle();
        Assert.Equal("False", FakeWorld.Text(world.Condition("Blocked")!, "status"));
        Assert.Equal(2, world.Workers.Count());
    }

    /// <summary>Our objects, or kubeflow's to the letter.</summary>
    internal static PlanningOptions Mode(bool strict) => new() { Strict = strict };

    internal static FakeWorld Started(int workers, Action<JsonObject>? spec = null, PlanningOptions? options = null)
    {
        var world = new FakeWorld(Jobs.Pi(workers, spec));
        if (options is not null) world.Options = options;
        world.Settle();
        world.RunWorkers();
        world.Settle();
        world.RunLauncher();
        world.Settle();
        return world;
    }
}
