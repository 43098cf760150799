using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>Clean-up, suspension, edits of a live job, conflicts.</summary>
public sealed class LifecycleTests
{
    [Fact]
    public void A_job_with_a_lifetime_is_deleted_when_it_is_over_and_not_before()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/ttl-seconds-after-finished"] = "3600" };
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        world.CompleteLauncher();
        world.Settle();
        world.FinishDeletions();
        world.Now += TimeSpan.FromSeconds(3599);
        Assert.Equal(world.Now.AddSeconds(1), world.Pass().RevisitAt);
        Assert.DoesNotContain("delete MPIJob pi", world.Writes);

        world.Now += TimeSpan.FromSeconds(1);
        world.Pass();

        Assert.Contains("delete MPIJob pi", world.Writes);
        Assert.NotNull(world.Job["metadata"]!["deletionTimestamp"]);
    }

    [Theory]
    [InlineData("None", false, 8)]
    [InlineData("None", true, 8)]
    [InlineData("Running", false, 0)]
    [InlineData("Running", true, 0)]
    [InlineData("All", false, 0)]
    [InlineData("All", true, 0)]
    public void Workers_of_a_finished_job_go_by_policy(string policy, bool strict, int left)
    {
        var world = MainPathTests.Started(8, s => s.RunPolicy()["cleanPodPolicy"] = policy, MainPathTests.Mode(strict));
        world.CompleteLauncher();
        world.Settle();
        world.FinishDeletions();
        Assert.True(world.Pass().IsEmpty);
        Assert.Equal(left, world.Workers.Count());
        Assert.Equal("{}", world.Status["replicaStatuses"]!["Worker"]!.ToJsonString());
        Assert.NotNull(world.Launcher);
    }

    [Theory]
    [InlineData("Running", false)]
    [InlineData("Running", true)]
    [InlineData("All", false)]
    [InlineData("All", true)]
    public void Workers_beyond_the_number_go_as_well_when_a_job_ends_while_it_is_scaled_down(string policy, bool strict)
    {
        var world = MainPathTests.Started(4, s => s.RunPolicy()["cleanPodPolicy"] = policy, MainPathTests.Mode(strict));
        world.Edit(static s => s["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 2);
        world.CompleteLauncher();
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.Empty(world.Workers);
    }

    [Fact]
    public void Policy_running_keeps_workers_that_have_finished()
    {
        var world = MainPathTests.Started(2);
        world.Worker(0, p => world.Exit(p, 0));
        world.CompleteLauncher();
        world.Settle();
        world.FinishDeletions();
        Assert.Equal("pi-worker-0", FakeWorld.Text(Assert.Single(world.Workers), "metadata", "name"));
    }

    [Fact]
    public void Workers_of_a_finished_job_can_be_released_even_under_policy_none()
    {
        var world = MainPathTests.Started(2, static s => s.RunPolicy()["cleanPodPolicy"] = "None", new PlanningOptions { ReleaseFinishedWorkers = true });
        world.CompleteLauncher();
        world.Settle();
        world.FinishDeletions();
        Assert.Empty(world.Workers);
    }

    [Fact]
    public void The_result_is_recorded_before_workers_go_and_before_the_launcher_gets_its_lifetime()
    {
        var world = MainPathTests.Started(2, static s => s.RunPolicy()["ttlSecondsAfterFinished"] = 60);
        Assert.Null(world.Launcher!["spec"]!["ttlSecondsAfterFinished"]);
        world.CompleteLauncher();
        var writes = world.Writes.Count;
        world.Settle();
        Assert.Equal(["status", "event MPIJobSucceeded", "delete pods", "patch Job pi-launcher"], world.Writes.Skip(writes));
        Assert.Equal("60", world.Launcher!["spec"]!["ttlSecondsAfterFinished"]!.ToString());
        world.Remove(Kinds.Job, "pi-launcher");
        world.FinishDeletions();
        Assert.True(world.Pass().IsEmpty);
    }

    [Fact]
    public void Pods_without_the_jobs_own_label_are_deleted_one_by_one()
    {
        var world = MainPathTests.Started(2, options: new PlanningOptions { Strict = true });
        world.CompleteLauncher();
        var writes = world.Writes.Count;
        world.Settle();
        Assert.Equal(["delete Pod pi-worker-0", "delete Pod pi-worker-1"], world.Writes.Skip(writes + 2));
    }

    [Fact]
    public void A_deletion_of_all_is_not_repeated_while_the_pods_are_seen_to_go_one_after_the_other()
    {
        var world = MainPathTests.Started(3);
        world.CompleteLauncher();
        world.Settle();
        foreach (var index in (int[])[1, 2]) world.Worker(index, static p => p.Object("metadata").Remove("deletionTimestamp"));
        var plan = world.Pass();
        Assert.True(plan.IsEmpty);
        Assert.NotNull(plan.RevisitAt);
        world.Now += TimeSpan.FromSeconds(5);
        Assert.IsType<PlanAction.DeletePods>(Assert.Single(world.Pass().Actions));
    }

    [Theory]
    [InlineData("OpenMPI", false)]
    [InlineData("OpenMPI", true)]
    [InlineData("Intel", false)]
    [InlineData("Intel", true)]
    [InlineData("MPICH", false)]
    [InlineData("MPICH", true)]
    public void Created_suspended_a_job_has_a_suspended_launcher_and_no_workers(string implementation, bool strict)
    {
        var world = new FakeWorld(Jobs.Pi(8, s =>
        {
            s["mpiImplementation"] = implementation;
            s.RunPolicy()["suspend"] = true;
        })) { Options = MainPathTests.Mode(strict) };
        world.Settle();
        Assert.Equal(
            ["status", "event MPIJobCreated", "event MPIJobSuspended", "create Service pi", "create ConfigMap pi-config", "create Secret pi-ssh", "create Job pi-launcher", "status"],
            world.Writes);
        Assert.Equal("true", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
        Assert.Equal(("True", "MPIJobSuspended"), (FakeWorld.Text(world.Condition("Suspended")!, "status"), FakeWorld.Text(world.Condition("Suspended")!, "reason")));
        Assert.Equal(("False", "MPIJobSuspended", "MPIJob default/pi is suspended."), (
            FakeWorld.Text(world.Condition("Running")!, "status"), FakeWorld.Text(world.Condition("Running")!, "reason"), FakeWorld.Text(world.Condition("Running")!, "message")));
        Assert.Null(world.Status["startTime"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Suspending_a_running_job_stops_the_launcher_and_deletes_all_workers_whatever_the_clean_up_policy(bool strict)
    {
        var world = MainPathTests.Started(2, static s => s.RunPolicy()["cleanPodPolicy"] = "None", MainPathTests.Mode(strict));
        world.Worker(0, p => world.Exit(p, 0));
        var started = world.Status["startTime"]!.ToString();
        world.Edit(static s => s.RunPolicy()["suspend"] = true);
        world.Pass();
        Assert.Equal("true", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
        Assert.Equal("{}", world.Status["replicaStatuses"]!["Worker"]!.ToJsonString());
        Assert.Equal("""{"active":1}""", world.Status["replicaStatuses"]!["Launcher"]!.ToJsonString());
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.Empty(world.Pods);
        Assert.Equal("{}", world.Status["replicaStatuses"]!["Launcher"]!.ToJsonString());
        Assert.Equal(started, world.Status["startTime"]!.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Resuming_clears_the_launchers_start_time_first_and_then_brings_what_was_injected_while_suspended(bool strict)
    {
        var world = MainPathTests.Started(2, options: MainPathTests.Mode(strict));
        world.Edit(static s => s.RunPolicy()["suspend"] = true);
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        world.Launcher!["spec"]!["template"]!["spec"]!["nodeSelector"] = new JsonObject { ["old"] = "gone" };
        world.Now += TimeSpan.FromHours(1);
        world.Edit(static s =>
        {
            s.RunPolicy()["suspend"] = false;
            s.PodSpec("Launcher")["nodeSelector"] = new JsonObject { ["zone"] = "a" };
            s.PodSpec("Launcher")["tolerations"] = new JsonArray(new JsonObject { ["key"] = "gpu" });
            s.PodSpec("Launcher")["schedulingGates"] = new JsonArray(new JsonObject { ["name"] = "kueue.x-k8s.io/topology" });
            ((JsonObject)s["mpiReplicaSpecs"]!["Launcher"]!["template"]!)["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["kueue.x-k8s.io/workload"] = "w" } };
        });
        var writes = world.Writes.Count;
        world.Settle();
        Assert.Equal(
            ["create Pod pi-worker-0", "create Pod pi-worker-1", "patch Job pi-launcher/status", "status", "event MPIJobResumed", "patch Job pi-launcher"],
            world.Writes.Skip(writes));
        var template = world.Launcher!["spec"]!["template"]!;
        Assert.Equal("""{"zone":"a"}""", template["spec"]!["nodeSelector"]!.ToJsonString());
        Assert.Equal("""[{"key":"gpu"}]""", template["spec"]!["tolerations"]!.ToJsonString());
        Assert.Equal("""[{"name":"kueue.x-k8s.io/topology"}]""", template["spec"]!["schedulingGates"]!.ToJsonString());
        Assert.Equal("w", template["metadata"]!["annotations"]!["kueue.x-k8s.io/workload"]!.ToString());
        Assert.Equal("false", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
        Assert.Equal(KubeTime.Format(world.Now), world.Status["startTime"]!.ToString());
        Assert.Equal(("False", "MPIJobResumed"), (FakeWorld.Text(world.Condition("Suspended")!, "status"), FakeWorld.Text(world.Condition("Suspended")!, "reason")));
    }

    [Fact]
    public void What_was_injected_for_one_place_and_taken_back_does_not_follow_the_launcher_to_the_next()
    {
        var world = new FakeWorld(Jobs.Pi(1, static s => s.RunPolicy()["suspend"] = true));
        world.Settle();
        // What the API server gives a Job's template by itself.
        world.Launcher!["spec"]!["template"]!["metadata"]!["labels"]!["batch.kubernetes.io/job-name"] = "pi-launcher";
        Resume("red");
        Assert.Equal("red", Template(world)["labels"]!["flavour"]!.ToString());
        Assert.Equal("red", Template(world)["annotations"]!["place"]!.ToString());

        world.Edit(static s =>
        {
            s.RunPolicy()["suspend"] = true;
            ((JsonObject)s["mpiReplicaSpecs"]!["Launcher"]!["template"]!).Remove("metadata");
        });
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Resume(null);

        Assert.False(world.Observe().Launcher!.Suspended);
        Assert.Null(Template(world)["labels"]!["flavour"]);
        Assert.Null(Template(world)["annotations"]?["place"]);
        Assert.Equal("pi-launcher", Template(world)["labels"]!["batch.kubernetes.io/job-name"]!.ToString());

        void Resume(string? place)
        {
            world.Edit(s =>
            {
                s.RunPolicy()["suspend"] = false;
                if (place is null) return;
                s["mpiReplicaSpecs"]!["Launcher"]!["template"]!["metadata"] = new JsonObject
                {
                    ["labels"] = new JsonObject { ["flavour"] = place }, ["annotations"] = new JsonObject { ["place"] = place },
                };
            });
            world.Settle();
            world.RunWorkers();
            world.RunLauncher();
            world.Settle();
        }

        static JsonNode Template(FakeWorld world) => world.Launcher!["spec"]!["template"]!["metadata"]!;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_resume_that_did_not_go_through_leaves_the_launcher_suspended_and_is_made_up_for(bool strict)
    {
        var world = new FakeWorld(Jobs.Pi(1, static s => s.RunPolicy()["suspend"] = true)) { Options = MainPathTests.Mode(strict) };
        world.Settle();
        world.Edit(static s => s.RunPolicy()["suspend"] = false);

        // All is written but the launcher's update, which fails.
        var seen = world.Observe();
        var (launcher, job) = (seen.Launcher, seen.Job.ToTree().ToJsonString());
        var plan = Planner.Decide(seen);
        Assert.IsType<PlanAction.Patch>(plan.Actions[^1]);
        Assert.Equal((launcher, job), (seen.Launcher, seen.Job.ToTree().ToJsonString()));
        world.Apply(plan with { Actions = plan.Actions[..^1] });
        Assert.True(world.Observe().Launcher!.Suspended);

        world.Settle();
        Assert.False(world.Observe().Launcher!.Suspended);
    }

    [Fact]
    public void A_launcher_whose_template_was_changed_while_suspended_is_made_anew_under_its_name()
    {
        var world = new FakeWorld(Jobs.Pi(2, static s => s.RunPolicy()["suspend"] = true));
        world.Settle();
        var first = FakeWorld.Text(world.Launcher!, "metadata", "uid");
        world.Edit(static s =>
        {
            s.RunPolicy()["suspend"] = false;
            s.Container("Launcher")["image"] = "other/image";
        });
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.NotEqual(first, FakeWorld.Text(world.Launcher!, "metadata", "uid"));
        Assert.Equal("other/image", world.Launcher!["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]!.ToString());
        Assert.Null(world.Launcher!["spec"]!["suspend"]);
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
    }

    [Fact]
    public void A_resumed_launcher_waits_for_ready_workers_when_the_policy_says_so()
    {
        var world = new FakeWorld(Jobs.Pi(2, static s =>
        {
            s.RunPolicy()["suspend"] = true;
            s["launcherCreationPolicy"] = "WaitForWorkersReady";
        }));
        world.Settle();
        world.Edit(static s => s.RunPolicy()["suspend"] = false);
        world.Settle();
        Assert.Equal("true", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
        world.RunWorkers();
        world.Settle();
        Assert.Equal("false", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
    }

    [Fact]
    public void A_worker_that_had_ended_when_its_job_was_suspended_is_made_anew_at_no_cost_though_nobody_saw_the_suspension_through()
    {
        var world = MainPathTests.Started(2, static s => s["launcherCreationPolicy"] = "WaitForWorkersReady");
        world.Worker(0, p => world.Exit(p, 0));
        world.Settle();
        world.Edit(static s => s.RunPolicy()["suspend"] = true);
        // The operator dies when it has suspended the launcher, and the next one finds the job resumed.
        world.Pass(writes: 1);
        Assert.Equal("true", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
        world.NoteLauncherSuspended();
        world.Edit(static s => s.RunPolicy()["suspend"] = false);
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.Equal("Pending", FakeWorld.Text(world.Find(Kinds.Pod, "pi-worker-0")!, "status", "phase"));
        world.RunWorkers();
        world.Settle();
        Assert.Equal("false", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
    }

    [Fact]
    public void A_worker_that_fails_before_the_launcher_is_resumed_counts_and_is_not_waited_for()
    {
        var world = new FakeWorld(Jobs.Pi(2, static s =>
        {
            s.RunPolicy()["suspend"] = true;
            s["launcherCreationPolicy"] = "WaitForWorkersReady";
        }));
        world.Settle();
        world.NoteLauncherSuspended();
        world.Now += TimeSpan.FromSeconds(5);
        world.Edit(static s => s.RunPolicy()["suspend"] = false);
        world.Settle();
        world.Worker(0, p => world.Exit(p, 1));
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.Equal(("2", "1"), (world.Status["attempt"]!["number"]!.ToString(), world.Status["attempt"]!["failures"]!.ToString()));
        Assert.Equal("Pending", FakeWorld.Text(world.Find(Kinds.Pod, "pi-worker-0")!, "status", "phase"));
    }

    [Fact]
    public void A_resume_waits_until_the_old_workers_are_gone_and_does_not_take_them_for_lost()
    {
        var world = MainPathTests.Started(2);
        world.Edit(static s => s.RunPolicy()["suspend"] = true);
        world.Settle();
        world.Edit(static s => s.RunPolicy()["suspend"] = false);
        world.Settle();
        Assert.Equal("true", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
        world.FinishDeletions();
        world.Settle();
        Assert.Equal("false", world.Launcher!["spec"]!["suspend"]!.ToJsonString());
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
    }

    [Fact]
    public void A_suspension_after_the_end_changes_nothing()
    {
        var world = MainPathTests.Started(2);
        world.CompleteLauncher();
        world.Edit(static s => s.RunPolicy()["suspend"] = true);
        world.Settle();
        Assert.Null(world.Launcher!["spec"]!["suspend"]);
        Assert.Equal("True", FakeWorld.Text(world.Condition("Succeeded")!, "status"));
        Assert.Null(world.Condition("Suspended"));
    }

    [Fact]
    public void Scaling_up_makes_workers_and_rewrites_the_hostfile_and_nothing_restarts()
    {
        var world = MainPathTests.Started(2);
        world.Edit(static s => s["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 4);
        world.Settle();
        Assert.Equal(4, world.Workers.Count());
        Assert.Contains("pi-worker-3.pi.default.svc slots=1\n", world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["hostfile"]!.ToString(), StringComparison.Ordinal);
        Assert.Equal("True", FakeWorld.Text(world.Condition("Running")!, "status"));
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
        Assert.Equal("4", world.Status["workers"]!["replicas"]!.ToString());
    }

    [Fact]
    public void Scaling_down_with_a_launcher_that_runs_ranks_deletes_exactly_the_workers_beyond()
    {
        var world = MainPathTests.Started(4, static s => s["runLauncherAsWorker"] = true);
        world.Edit(static s => s["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 2);
        var writes = world.Writes.Count;
        world.Settle();
        Assert.Equal(["patch ConfigMap pi-config", "delete Pod pi-worker-2", "delete Pod pi-worker-3", "status"], world.Writes.Skip(writes));
        world.FinishDeletions();
        world.Settle();
        Assert.Equal(["pi-worker-0", "pi-worker-1"], world.Workers.Select(static w => FakeWorld.Text(w, "metadata", "name")));
    }

    [Fact]
    public void A_worker_whose_labels_somebody_took_away_keeps_no_other_from_being_made_or_deleted()
    {
        var world = MainPathTests.Started(4);
        world.Worker(1, static p => ((JsonObject)p["metadata"]!["labels"]!).Remove("training.kubeflow.org/replica-index"));
        world.Edit(static s => s["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 3);
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        Assert.Equal(["pi-worker-0", "pi-worker-1", "pi-worker-2"], world.Workers.Select(static w => FakeWorld.Text(w, "metadata", "name")));

        world.Edit(static s => s["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 5);
        world.Settle();
        Assert.Equal(5, world.Workers.Count());
        Assert.Equal("1", world.Status["attempt"]!["number"]!.ToString());
    }

    [Fact]
    public void The_discovery_script_follows_the_running_workers_once_the_launcher_runs()
    {
        var world = MainPathTests.Started(3, static s => s.Container("Launcher")["args"] = new JsonArray("--host-discovery-script", "/etc/mpi/discover_hosts.sh"));
        var writes = world.Writes.Count;
        world.Worker(1, static p => p["status"]!["phase"] = "Pending");
        world.Settle();
        Assert.Equal(["patch ConfigMap pi-config"], world.Writes.Skip(writes));
        Assert.Equal(
            "#!/bin/sh\necho pi-worker-0.pi.default.svc\necho pi-worker-2.pi.default.svc\n",
            world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["discover_hosts.sh"]!.ToString());
    }

    [Fact]
    public void Drifted_objects_are_repaired()
    {
        var world = MainPathTests.Started(2);
        world.Find(Kinds.Service, "pi")!["spec"]!["selector"] = new JsonObject { ["foreign"] = "x" };
        world.Find(Kinds.ConfigMap, "pi-config")!["data"] = new JsonObject { ["hostfile"] = "localhost", ["other"] = "x" };
        world.Find(Kinds.Secret, "pi-ssh")!["data"] = new JsonObject { ["ssh-privatekey"] = "" };
        var writes = world.Writes.Count;
        world.Settle();
        Assert.Equal(["patch Service pi", "patch ConfigMap pi-config", "replace keys pi-ssh"], world.Writes.Skip(writes));
        Assert.Equal("""{"training.kubeflow.org/job-name":"pi","training.kubeflow.org/operator-name":"mpi-operator"}""", world.Find(Kinds.Service, "pi")!["spec"]!["selector"]!.ToJsonString());
        Assert.Equal(["hostfile", "discover_hosts.sh"], ((JsonObject)world.Find(Kinds.ConfigMap, "pi-config")!["data"]!).Select(static m => m.Key));
    }

    [Theory]
    [InlineData("Service", "pi", false)]
    [InlineData("Service", "pi", true)]
    [InlineData("ConfigMap", "pi-config", false)]
    [InlineData("ConfigMap", "pi-config", true)]
    [InlineData("Secret", "pi-ssh", false)]
    [InlineData("Secret", "pi-ssh", true)]
    [InlineData("Pod", "pi-worker-1", false)]
    [InlineData("Pod", "pi-worker-1", true)]
    [InlineData("Job", "pi-launcher", false)]
    [InlineData("Job", "pi-launcher", true)]
    public void An_object_of_somebody_else_is_left_alone_and_named_once(string kind, string name, bool strict)
    {
        var world = new FakeWorld(Jobs.Pi(2)) { Options = MainPathTests.Mode(strict) };
        var theirs = new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["status"] = new JsonObject { ["phase"] = "Running" } };
        world.Put(new ResourceKind("", "v1", kind, ""), theirs);
        world.Settle();
        Assert.Equal(["status", "event MPIJobCreated", "event ErrResourceExists"], world.Writes);
        Assert.Equal($"Resource \"{name}\" of Kind \"{kind}\" already exists and is not managed by MPIJob", FakeWorld.Text(world.Condition("Blocked")!, "message"));
        Assert.NotNull(world.Pass().RevisitAt);

        world.Remove(new ResourceKind("", "v1", kind, ""), name);
        world.Settle();
        Assert.NotNull(world.Launcher);
        Assert.Equal("False", FakeWorld.Text(world.Condition("Blocked")!, "status"));
    }

    [Fact]
    public void The_children_of_a_deleted_namesake_are_waited_for_without_a_word()
    {
        var world = new FakeWorld(Jobs.Pi(2));
        world.Put(Kinds.Service, new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = "pi",
                ["ownerReferences"] = new JsonArray(new JsonObject { ["kind"] = "MPIJob", ["name"] = "pi", ["uid"] = "the-one-before", ["controller"] = true }),
            },
        });
        world.Settle();
        Assert.Equal(["status", "event MPIJobCreated"], world.Writes);
        Assert.Equal(world.Now.AddSeconds(2), world.Pass().RevisitAt);
    }

    [Fact]
    public void An_invalid_job_makes_nothing_and_says_every_fault()
    {
        var world = new FakeWorld(Jobs.Pi(2, static s =>
        {
            s["slotsPerWorker"] = -1;
            s["mpiReplicaSpecs"]!["Launcher"]!["replicas"] = 2;
        }));
        world.Settle();
        Assert.Equal(["status", "event ValidationError"], world.Writes);
        Assert.Equal(
            "Found validation errors: [spec.mpiReplicaSpecs[Launcher].replicas: Invalid value: 2: must be 1, spec.slotsPerWorker: Invalid value: -1: must be greater than or equal to 0]",
            FakeWorld.Text(world.Condition("Invalid")!, "message"));
        Assert.Equal("Invalid", world.Status["state"]!.ToString());
        Assert.Null(world.Condition("Created"));

        world.Edit(static s =>
        {
            s["slotsPerWorker"] = 1;
            s["mpiReplicaSpecs"]!["Launcher"]!["replicas"] = 1;
        });
        world.Settle();
        Assert.Equal("False", FakeWorld.Text(world.Condition("Invalid")!, "status"));
        Assert.NotNull(world.Launcher);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_empty_job_makes_nothing(bool strict)
    {
        var job = Jobs.Pi();
        job.Remove("spec");
        var world = new FakeWorld(job) { Options = MainPathTests.Mode(strict) };
        var plan = world.Pass();
        Assert.Empty(plan.Actions);
        Assert.Equal("Found validation errors: spec.mpiReplicaSpecs: Required value: must have replica specs", FakeWorld.Text(world.Condition("Invalid")!, "message"));
    }

    [Fact]
    public void An_invalid_edit_leaves_a_running_job_alone_and_its_end_is_recorded_all_the_same()
    {
        var world = MainPathTests.Started(2);
        world.Edit(static s => s["slotsPerWorker"] = "four");
        world.Settle();
        Assert.Equal("Found validation errors: spec.slotsPerWorker: Invalid value: \"four\": must be an integer", FakeWorld.Text(world.Condition("Invalid")!, "message"));
        Assert.Equal("Running", world.Status["state"]!.ToString());
        Assert.Equal(2, world.Workers.Count());
        world.CompleteLauncher();
        world.Settle();
        Assert.Equal("True", FakeWorld.Text(world.Condition("Succeeded")!, "status"));
        Assert.Equal("Succeeded", world.Status["state"]!.ToString());
        Assert.Contains(PlanCounter.JobsSuccessful, world.Counters);
    }

    [Fact]
    public void A_restart_policy_in_the_template_is_overridden_with_a_warning()
    {
        var world = new FakeWorld(Jobs.Pi(1, static s => s.PodSpec("Launcher")["restartPolicy"] = "Always"));
        world.Settle();
        Assert.Contains(new PlanEvent("Warning", "SetPodTemplateRestartPolicy", "Restart policy in pod template overridden by restart policy in replica spec"), world.Events);
        Assert.Equal("OnFailure", world.Launcher!["spec"]!["template"]!["spec"]!["restartPolicy"]!.ToString());
    }
}
