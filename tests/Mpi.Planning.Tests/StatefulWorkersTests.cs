using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;

namespace Mpi.Planning.Tests;

/// <summary>Runs whose workers are the pods of a StatefulSet: everything that holds for bare pods holds for them.</summary>
public sealed class StatefulWorkersTests
{
    [Fact]
    public void One_request_makes_all_workers_and_the_launcher_starts_with_them()
    {
        var world = Settled();

        Assert.Single(world.Writes, static w => w == "create StatefulSet pi-worker");
        Assert.DoesNotContain(world.Writes, static w => w.StartsWith("create Pod", StringComparison.Ordinal));
        Assert.Contains("create Job pi-launcher", world.Writes);
        var set = world.WorkerSet!;
        Assert.Equal("Parallel", FakeWorld.Text(set, "spec", "podManagementPolicy"));
        Assert.Equal("pi-worker", FakeWorld.Text(set, "spec", "serviceName"));
        Assert.Equal(2, set["spec"]!["replicas"]!.GetValue<int>());
        Assert.Equal("pi", FakeWorld.Text((JsonObject)set["metadata"]!["ownerReferences"]![0]!, "name"));
        Assert.Equal("worker", FakeWorld.Text(set, "metadata", "labels", "training.kubeflow.org/job-role"));
        Assert.Equal(set["spec"]!["selector"]!["matchLabels"]!.ToJsonString(), new JsonObject(set["spec"]!["template"]!["metadata"]!["labels"]!.AsObject()
            .Where(static l => l.Key != PlanningNames.JobUid).Select(static l => KeyValuePair.Create(l.Key, l.Value?.DeepClone()))).ToJsonString());
    }

    [Fact]
    public void Its_template_names_no_pod_and_restarts_in_place()
    {
        var template = (JsonObject)Settled().WorkerSet!["spec"]!["template"]!;

        Assert.Equal("Always", FakeWorld.Text(template, "spec", "restartPolicy"));
        Assert.Null(template["metadata"]!["name"]);
        Assert.Null(template["metadata"]!["ownerReferences"]);
        Assert.Null(template["spec"]!["hostname"]);
        var name = template["spec"]!["containers"]![0]!["env"]!.AsArray().Single(static e => e!["name"]!.ToString() == AgentContract.NameVariable)!;
        Assert.Equal("""{"fieldPath":"metadata.name"}""", name["valueFrom"]!["fieldRef"]!.ToJsonString());
    }

    [Fact]
    public void Hosts_files_mounts_and_the_account_are_the_dialects_own()
    {
        var world = Settled();
        var launcher = (JsonObject)world.Launcher!["spec"]!["template"]!["spec"]!;

        Assert.Equal("pi-worker-0 slots=1\npi-worker-1 slots=1\n", world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["proposedhosts"]!.ToString());
        Assert.Equal(["kubexec.sh", "proposedhosts"], world.Find(Kinds.ConfigMap, "pi-config")!["data"]!.AsObject().Select(static e => e.Key).Order(StringComparer.Ordinal));
        Assert.Equal(["/etc/mpihosts", "/etc/mpi"], launcher["containers"]![0]!["volumeMounts"]!.AsArray().Select(static m => m!["mountPath"]!.ToString()).Where(static p => p.StartsWith("/etc", StringComparison.Ordinal)));
        Assert.Contains(world.WorkerSet!["spec"]!["template"]!["spec"]!["containers"]![0]!["volumeMounts"]!.AsArray(), static m => m!["mountPath"]!.ToString() == "/etc/mpi");
        var gate = launcher["initContainers"]!.AsArray().Single(static c => c!["name"]!.ToString() == PlanningNames.GateContainer)!["command"]!.AsArray().Select(static w => w!.ToString()).ToList();
        Assert.Equal("/etc/mpihosts/proposedhosts", gate[gate.IndexOf("--hostfile") + 1]);
        Assert.Equal("/etc/mpihosts/proposedhosts", gate[gate.IndexOf("--notice") + 1]);
        // It has the name that scripts know, and grants nothing that the agent does not need.
        Assert.Equal("pi-sa", launcher["serviceAccountName"]!.ToString());
        Assert.Equal("[]", world.Find(Kinds.Role, "pi-role")!["rules"]!.ToJsonString());
        Assert.Equal("pi-role", FakeWorld.Text(world.Find(Kinds.RoleBinding, "pi-rolebinding")!, "roleRef", "name"));
        Assert.Equal("launcher", FakeWorld.Text(world.Launcher!, "metadata", "labels", "training.kubeflow.org/job-role"));
        Assert.Equal("pi-worker.default.svc.cluster.local", launcher["dnsConfig"]!["searches"]![0]!.ToString());
    }

    [Fact]
    public void Init_containers_of_the_users_run_when_the_workers_are_reachable()
    {
        var job = Job();
        ((JsonObject)job["spec"]!).PodSpec("Launcher")["initContainers"] = new JsonArray(new JsonObject { ["name"] = "mine", ["image"] = "example/mine" });

        var init = Settled(job).Launcher!["spec"]!["template"]!["spec"]!["initContainers"]!.AsArray().Select(static c => c!["name"]!.ToString());

        Assert.Equal([PlanningNames.DeliverContainer, PlanningNames.GateContainer, "mine"], init);
    }

    [Fact]
    public void A_run_that_goes_well_costs_as_many_writes_for_many_workers_as_for_few()
    {
        var counts = new List<int>();
        foreach (var workers in (int[])[2, 64])
        {
            var world = Running(Job(workers));
            world.CompleteLauncher();
            world.Settle();
            Assert.Equal(0, Replicas(world));
            counts.Add(world.Writes.Count);
        }

        Assert.Equal(counts[0], counts[1]);
    }

    [Fact]
    public void Suspending_and_the_end_scale_to_nothing_and_resuming_scales_up_again()
    {
        var world = Running();

        world.Edit(static spec => spec.RunPolicy()["suspend"] = true);
        world.Settle();
        Assert.Equal(0, Replicas(world));
        Assert.DoesNotContain(world.Writes, static w => w.StartsWith("delete Pod", StringComparison.Ordinal) || w == "delete pods");
        Cluster(world);
        Assert.Empty(world.Workers);

        world.Edit(static spec => spec.RunPolicy()["suspend"] = false);
        for (var pass = 0; pass < 3; pass++)
        {
            world.Settle();
            Cluster(world);
        }

        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        Assert.Equal(2, Replicas(world));
        Assert.Equal("True", FakeWorld.Text(world.Condition("Running")!, "status"));

        world.CompleteLauncher();
        world.Settle();
        Assert.Equal(0, Replicas(world));
        Assert.Equal("True", FakeWorld.Text(world.Condition("Succeeded")!, "status"));
    }

    [Fact]
    public void A_template_that_is_changed_while_suspended_makes_it_anew_and_one_that_is_changed_while_it_runs_takes_no_worker_away()
    {
        var world = Running();
        var before = FakeWorld.Text(world.WorkerSet!, "metadata", "uid");
        world.Edit(static spec => spec.Container("Worker")["image"] = "example/newer");
        var writes = world.Writes.Count;
        world.Settle();
        Assert.DoesNotContain(world.Writes.Skip(writes), static w => w.Contains("StatefulSet", StringComparison.Ordinal));

        world.Edit(static spec => spec.RunPolicy()["suspend"] = true);
        world.Settle();
        Cluster(world);
        world.Edit(static spec => spec.RunPolicy()["suspend"] = false);
        for (var pass = 0; pass < 4; pass++)
        {
            world.Settle();
            Cluster(world);
        }

        Assert.NotEqual(before, FakeWorld.Text(world.WorkerSet!, "metadata", "uid"));
        Assert.All(world.Workers, static w => Assert.Equal("example/newer", FakeWorld.Text((JsonObject)w["spec"]!["containers"]![0]!, "image")));
        Assert.NotNull(world.Launcher);
    }

    [Fact]
    public void A_container_that_ended_and_was_started_again_in_place_restarts_the_gang_once()
    {
        var world = Running(Job(2, static s => s.RunPolicy()["backoffLimit"] = 2));
        world.Now += TimeSpan.FromMinutes(1);
        world.Worker(1, p => world.Restart(p, 137, "OOMKilled"));
        world.Settle();

        Assert.Equal("worker pi-worker-1 failed, container worker: exit code 137 (OOMKilled)", FakeWorld.Text(world.Condition("Restarting")!, "message"));
        Assert.Equal(2, Replicas(world));
        world.FinishDeletions();
        world.Settle();
        world.Now += TimeSpan.FromSeconds(10);
        world.RunLauncher();
        world.Settle();

        // What it died of belongs to the attempt before.
        Assert.Equal("2", world.Status["attempt"]!["number"]!.ToString());
        Assert.Equal("1", world.Launcher!["spec"]!["backoffLimit"]!.ToString());
        Assert.Equal("True", FakeWorld.Text(world.Condition("Running")!, "status"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_evicted_worker_is_noticed_before_and_after_it_is_replaced(bool seen)
    {
        var world = Running(Job(2, static s => s.RunPolicy()["backoffLimit"] = 0));
        world.Now += TimeSpan.FromMinutes(1);
        world.Worker(0, FakeWorld.Evict);
        if (!seen) Cluster(world);
        world.Settle();

        Assert.Equal(seen ? "MPIJobEvicted" : "WorkerLost", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
        Assert.Null(world.Condition("Failed"));
        // The StatefulSet takes away what has ended: nobody else does.
        Assert.DoesNotContain(world.Writes, static w => w.StartsWith("delete Pod", StringComparison.Ordinal));
        Cluster(world);
        world.Settle();
        world.Now += TimeSpan.FromSeconds(10);
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        Assert.Equal("2", world.Status["attempt"]!["number"]!.ToString());
        Assert.Equal("True", FakeWorld.Text(world.Condition("Running")!, "status"));
    }

    [Fact]
    public void A_worker_that_ended_before_the_launcher_started_costs_nothing_until_it_has_done_so_too_often()
    {
        var world = Settled(Job(2, static s => s.RunPolicy()["backoffLimit"] = 2));
        Cluster(world);
        world.RunWorkers();
        world.StartLauncherPod();
        for (var times = 0; times < 2; times++) world.Worker(0, p => world.Restart(p, 1, message: "no such file"));
        world.Settle();
        Assert.Null(world.Condition("Restarting"));
        Assert.Null(world.Condition("Failed"));

        world.Worker(0, p => world.Restart(p, 1, message: "no such file"));
        world.Settle();

        Assert.Equal("BackoffLimitExceeded", FakeWorld.Text(world.Condition("Failed")!, "reason"));
        Assert.Equal(
            "worker pi-worker-0 ended 3 times before the launcher started, container worker: exit code 1: no such file; no retries left (backoffLimit 2)",
            FakeWorld.Text(world.Condition("Failed")!, "message"));
        Assert.Equal(0, Replicas(world));
    }

    [Fact]
    public void Workers_that_a_running_job_is_enlarged_by_are_no_losses_and_one_made_anew_among_the_old_is()
    {
        var world = Running();
        world.Now += TimeSpan.FromMinutes(5);
        world.Edit(static spec => spec["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 4);
        world.Settle();
        Cluster(world);
        world.RunWorkers();
        world.Settle();
        Assert.Equal(4, world.Workers.Count());
        Assert.Null(world.Condition("Restarting"));
        Assert.Equal("2", FakeWorld.Text(world.WorkerSet!, "metadata", "annotations", PlanningNames.StandingWorkers));

        world.Edit(static spec => spec["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 1);
        world.Settle();
        Cluster(world);
        Assert.Equal(["pi-worker-0"], world.Workers.Select(static w => FakeWorld.Text(w, "metadata", "name")));
        world.Edit(static spec => spec["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 2);
        world.Settle();
        Cluster(world);
        world.RunWorkers();
        world.Settle();
        Assert.Null(world.Condition("Restarting"));

        world.Remove(Kinds.Pod, "pi-worker-0");
        Cluster(world);
        world.Settle();
        Assert.Equal("worker pi-worker-0 was replaced while the launcher ran", FakeWorld.Text(world.Condition("Restarting")!, "message"));
    }

    [Fact]
    public void A_worker_that_is_long_in_coming_is_asked_for_at_the_server_lest_a_stranger_has_its_name()
    {
        var world = Settled();
        Cluster(world);
        var stranger = world.Workers.First();
        world.Remove(Kinds.Pod, "pi-worker-0");
        var plan = world.Pass();
        Assert.Equal((true, world.Now.AddSeconds(30)), (plan.Confirm.IsEmpty, plan.RevisitAt));

        world.Now = plan.RevisitAt!.Value;
        Assert.Equal([new ObjectToConfirm(Kinds.Pod, new ObjectKey("default", "pi-worker-0"))], Planner.Decide(world.Observe()).Confirm);
        world.Settle();
        Assert.Null(world.Condition("Blocked"));

        ((JsonObject)stranger["metadata"]!).Remove("ownerReferences");
        world.Put(Kinds.Pod, stranger);
        world.Settle();
        Assert.Equal("ErrResourceExists", FakeWorld.Text(world.Condition("Blocked")!, "reason"));
    }

    [Fact]
    public void A_worker_whose_name_somebody_else_has_is_in_the_way_and_no_loss_and_the_result_counts()
    {
        var world = Running();
        world.Worker(0, static pod => ((JsonObject)pod["metadata"]!).Remove("ownerReferences"));
        world.Settle();
        Assert.Equal("ErrResourceExists", FakeWorld.Text(world.Condition("Blocked")!, "reason"));
        Assert.Null(world.Condition("Restarting"));

        world.CompleteLauncher();
        world.Settle();
        Assert.Equal("True", FakeWorld.Text(world.Condition("Succeeded")!, "status"));
    }

    [Fact]
    public void An_elastic_program_keeps_its_launcher_when_its_worker_is_replaced()
    {
        var job = Job();
        ((JsonObject)job["metadata"]!["annotations"]!)["kubempi.dev/on-worker-loss"] = "replace";
        var world = Running(job);
        var launcher = FakeWorld.Text(world.Launcher!, "metadata", "uid");
        world.Now += TimeSpan.FromMinutes(1);
        world.Worker(0, FakeWorld.Evict);
        world.Settle();
        Cluster(world);
        world.RunWorkers();
        world.Settle();

        Assert.Equal(launcher, FakeWorld.Text(world.Launcher!, "metadata", "uid"));
        Assert.Null(world.Condition("Restarting"));
        Assert.DoesNotContain(world.Writes, static w => w.StartsWith("delete", StringComparison.Ordinal));
    }

    [Fact]
    public void A_vanished_set_is_made_anew_when_its_pods_are_gone_and_they_are_nobody_elses()
    {
        var world = Running();
        world.Now += TimeSpan.FromMinutes(1);
        world.Remove(Kinds.StatefulSet, "pi-worker");
        foreach (var pod in world.Workers.ToList()) pod["metadata"]!["deletionTimestamp"] = KubeTime.Format(world.Now.AddSeconds(30));
        world.Settle();
        Assert.Null(world.Condition("Blocked"));
        Assert.NotNull(world.Condition("Restarting"));

        world.FinishDeletions();
        world.Settle();
        Cluster(world);
        Assert.Equal(2, world.Workers.Count());
        Assert.NotNull(world.Launcher);
    }

    [Theory]
    [InlineData("StatefulSet", "apps/v1", "pi-worker")]
    [InlineData("Pod", "v1", "pi-worker-1")]
    public void Somebody_elses_object_of_such_a_name_stops_the_job_and_is_left_alone(string kind, string version, string name)
    {
        var world = new FakeWorld(Job(), new StatefulDialect());
        world.Put(kind == "Pod" ? Kinds.Pod : Kinds.StatefulSet, new JsonObject { ["apiVersion"] = version, ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = new JsonObject { ["containers"] = new JsonArray() } });
        world.Now += TimeSpan.FromMinutes(1);
        world.Settle();

        Assert.Contains($"Resource \"{name}\" of Kind \"{kind}\" already exists", FakeWorld.Text(world.Condition("Blocked")!, "message"), StringComparison.Ordinal);
        Assert.Null(world.Launcher);
        Assert.DoesNotContain(world.Writes, static w => w.StartsWith("delete", StringComparison.Ordinal) || w.StartsWith("patch StatefulSet", StringComparison.Ordinal));
    }

    private static JsonObject Job(int workers = 2, Action<JsonObject>? spec = null)
    {
        var job = Jobs.Pi(workers, spec);
        job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/transport"] = "agent" };
        return job;
    }

    private static FakeWorld Settled(JsonObject? job = null)
    {
        var world = new FakeWorld(job ?? Job(), new StatefulDialect());
        world.Settle();
        return world;
    }

    private static FakeWorld Running(JsonObject? job = null)
    {
        var world = Settled(job);
        Cluster(world);
        world.RunWorkers();
        world.Settle();
        world.RunLauncher();
        world.Settle();
        Assert.Equal("True", FakeWorld.Text(world.Condition("Running")!, "status"));
        return world;
    }

    private static void Cluster(FakeWorld world)
    {
        world.StartWorkerSetPods();
        world.FinishDeletions();
    }

    private static int Replicas(FakeWorld world) => world.WorkerSet!["spec"]!["replicas"]!.GetValue<int>();
}
