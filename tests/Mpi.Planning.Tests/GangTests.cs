using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>Gang scheduling (spec 2.8, gang back ends): the objects that schedulers read, the marks on pods, and what is refused.</summary>
public sealed class GangTests
{
    private static readonly ResourceKind Volcano = GangBackend.Named("volcano")!.Kinds[0];
    private static readonly ResourceKind Plugins = GangBackend.Named("my-scheduler")!.Kinds[0];

    [Fact]
    public void Volcano_gets_a_group_of_all_pods_before_the_first_pod_and_every_pod_names_it()
    {
        var world = World("volcano", 2, static s =>
        {
            Resources(s, "Launcher", """{"requests":{"cpu":"100m"},"limits":{"cpu":"2","memory":"64Mi"}}""");
            Resources(s, "Worker", """{"requests":{"cpu":"1","nvidia.com/gpu":"2"},"limits":{"nvidia.com/gpu":"2"}}""");
            s.PodSpec("Worker")["priorityClassName"] = "batch";
        });
        world.Job["metadata"]!["annotations"] = new JsonObject { ["scheduling.volcano.sh/queue-name"] = "night" };

        world.Settle();

        Assert.Equal("""{"minMember":3,"queue":"night","priorityClassName":"batch","minResources":{"cpu":"2100m","memory":"64Mi","nvidia.com/gpu":"4"}}""", Spec(world, Volcano));
        Assert.True(world.Writes.IndexOf("create PodGroup pi") < world.Writes.IndexOf("create Pod pi-worker-0"));
        Assert.Null(world.Find(Volcano, "pi")!["metadata"]!["labels"]);
        foreach (var (metadata, spec) in Pods(world))
        {
            Assert.Equal("pi", metadata["annotations"]!["scheduling.k8s.io/group-name"]!.ToString());
            Assert.Equal("volcano", spec["schedulerName"]!.ToString());
        }
    }

    [Fact]
    public void Scheduler_plugins_get_their_own_group_label_and_scheduler_name()
    {
        var world = World("my-scheduler", 2, static s => s.RunPolicy()["schedulingPolicy"] = new JsonObject
        {
            ["minAvailable"] = 2, ["scheduleTimeoutSeconds"] = 90, ["minResources"] = new JsonObject { ["cpu"] = "7" }, ["queue"] = "ignored",
        });

        world.Settle();

        Assert.Equal("""{"minMember":2,"minResources":{"cpu":"7"},"scheduleTimeoutSeconds":90}""", Spec(world, Plugins));
        foreach (var (metadata, spec) in Pods(world))
        {
            Assert.Equal("pi", metadata["labels"]!["scheduling.x-k8s.io/pod-group"]!.ToString());
            Assert.Equal("my-scheduler", spec["schedulerName"]!.ToString());
        }
    }

    [Fact]
    public void Kube_batch_gets_its_group()
    {
        var world = World("kube-batch", 1);
        world.Settle();
        Assert.Equal("""{"minMember":2}""", Spec(world, GangBackend.Named("kube-batch")!.Kinds[0]));
        Assert.All(Pods(world), static pod => Assert.Equal("kube-batch", pod.Spec["schedulerName"]!.ToString()));
    }

    [Theory]
    [InlineData(0, "scheduling.k8s.io/v1beta1")]
    [InlineData(2, "scheduling.k8s.io/v1alpha2")]
    public void Kubernetes_own_gangs_are_a_workload_then_a_group_then_pods_in_whichever_version_is_served(int first, string version)
    {
        var world = World("kubernetes", 2);
        world.GangKinds = [.. GangBackend.Named("kubernetes")!.Kinds[first..]];

        world.Settle();

        var (workload, group) = (GangBackend.Named("kubernetes")!.Kinds[first], GangBackend.Named("kubernetes")!.Kinds[first + 1]);
        Assert.Equal(["create Workload pi", "create PodGroup pi", "create Pod pi-worker-0"], world.Writes.Where(static w => w is "create Workload pi" or "create PodGroup pi" or "create Pod pi-worker-0"));
        Assert.Equal(
            """{"controllerRef":{"apiGroup":"kubeflow.org","kind":"MPIJob","name":"pi"},"podGroupTemplates":[{"name":"pods","schedulingPolicy":{"gang":{"minCount":3}}}]}""",
            Spec(world, workload));
        Assert.Equal(
            """{"podGroupTemplateRef":{"workload":{"workloadName":"pi","podGroupTemplateName":"pods"}},"schedulingPolicy":{"gang":{"minCount":3}}}""",
            Spec(world, group));
        Assert.Equal(version, world.Find(workload, "pi")!["apiVersion"]!.ToString());
        Assert.All(Pods(world), static pod => Assert.Equal("""{"podGroupName":"pi"}""", pod.Spec["schedulingGroup"]!.ToJsonString()));
    }

    [Theory]
    [InlineData("volcano", true)]
    [InlineData("kubernetes", false)]
    public void A_launcher_that_is_made_later_is_not_waited_for(string scheduler, bool isMember)
    {
        var world = World(scheduler, 3, static s => s["launcherCreationPolicy"] = "WaitForWorkersReady");
        world.Settle();
        world.RunWorkers();
        world.Settle();

        Assert.Contains(scheduler == "volcano" ? "\"minMember\":3" : "\"minCount\":3", Spec(world, GangBackend.Named(scheduler)!.Kinds.First(static k => k.Kind == "PodGroup")), StringComparison.Ordinal);
        var launcher = world.Launcher!["spec"]!["template"]!;
        Assert.Equal(isMember, launcher["metadata"]!["annotations"]?["scheduling.k8s.io/group-name"] is not null || launcher["spec"]!["schedulingGroup"] is not null);
    }

    [Fact]
    public void A_gang_scheduler_that_is_not_installed_is_named_and_no_pod_is_made_until_it_is()
    {
        var world = World("volcano", 2);
        world.GangKinds = [];
        world.Settle();
        Assert.Empty(world.Pods);
        Assert.Equal("GangSchedulerMissing", FakeWorld.Text(world.Condition("Blocked")!, "reason"));
        Assert.Single(world.Events, static e => e.Reason == "GangSchedulerMissing");

        world.GangKinds = [Volcano];
        world.Settle();
        Assert.Equal(2, world.Workers.Count());
        Assert.Equal("False", FakeWorld.Text(world.Condition("Blocked")!, "status"));
    }

    [Theory]
    [InlineData("volcano", 4, false, "only 3 pods are made at once (2 workers and the launcher)")]
    [InlineData("volcano", 3, true, "only 2 pods are made at once (2 workers; the launcher is made when they are ready)")]
    [InlineData("volcano", -1, false, "needs 0 or more")]
    [InlineData("my-scheduler", 0, false, "needs 1 or more")]
    public void A_gang_that_could_never_start_is_refused_with_the_reason(string scheduler, int minAvailable, bool waits, string reason)
    {
        var world = World(scheduler, 2, s =>
        {
            s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["minAvailable"] = minAvailable };
            if (waits) s["launcherCreationPolicy"] = "WaitForWorkersReady";
        });

        world.Settle();

        Assert.Empty(world.Pods);
        Assert.Contains(reason, FakeWorld.Text(world.Condition("Blocked")!, "message"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_edit_to_a_gang_that_could_never_start_leaves_a_running_job_and_its_group_alone()
    {
        var world = Running();
        world.Edit(static s => s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["minAvailable"] = 99 });

        world.Settle();

        Assert.Contains("\"minMember\":3", Spec(world, Volcano), StringComparison.Ordinal);
        Assert.Equal(2, world.Workers.Count());
        Assert.Equal("GangImpossible", FakeWorld.Text(world.Condition("Blocked")!, "reason"));
    }

    [Fact]
    public void An_edit_of_the_policy_reaches_the_group_and_the_servers_defaults_are_no_difference()
    {
        var world = Running();
        world.Find(Volcano, "pi")!["spec"]!["queue"] = "default";
        world.Settle();
        Assert.DoesNotContain("patch PodGroup pi", world.Writes);

        world.Edit(static s => s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["minAvailable"] = 2, ["queue"] = "day" });
        world.Settle();

        Assert.Single(world.Writes, static w => w == "patch PodGroup pi");
        Assert.Contains("\"minMember\":2,", Spec(world, Volcano), StringComparison.Ordinal);
        Assert.Contains("\"queue\":\"day\"", Spec(world, Volcano), StringComparison.Ordinal);
    }

    [Fact]
    public void Scaling_moves_the_groups_size()
    {
        var world = Running();
        world.Edit(static s => s["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 5);
        world.Settle();
        Assert.Contains("\"minMember\":6", Spec(world, Volcano), StringComparison.Ordinal);
    }

    [Fact]
    public void A_suspended_job_has_no_group_and_a_resumed_one_has_it_again_before_its_pods()
    {
        var world = Running();
        world.Edit(static s => s.RunPolicy()["suspend"] = true);
        world.Settle();
        world.FinishDeletions();
        Assert.Null(world.Find(Volcano, "pi"));

        world.Writes.Clear();
        world.Edit(static s => s.RunPolicy()["suspend"] = false);
        world.Settle();
        Assert.True(world.Writes.IndexOf("create PodGroup pi") is >= 0 and var made && made < world.Writes.IndexOf("create Pod pi-worker-0"));
    }

    [Theory]
    [InlineData("Running", true)]
    [InlineData("None", false)]
    public void The_group_of_a_finished_job_goes_where_its_workers_go(string cleanup, bool gone)
    {
        var world = Running(s => s.RunPolicy()["cleanPodPolicy"] = cleanup);
        world.RunLauncher();
        world.CompleteLauncher();
        world.Settle();
        world.FinishDeletions();
        Assert.Equal(gone, world.Find(Volcano, "pi") is null);
    }

    [Theory]
    [InlineData("", "volcano", true)]
    [InlineData("volcano", "none", false)]
    public void A_job_chooses_for_itself(string operators, string jobs, bool hasGroup)
    {
        var world = World(operators, 2);
        world.GangKinds = [Volcano];
        world.Job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/gang-scheduler"] = jobs };
        world.Settle();
        Assert.Equal(hasGroup, world.Find(Volcano, "pi") is not null);
        Assert.Equal(2, world.Workers.Count());
    }

    [Theory]
    [InlineData("low", "high", "2")]
    [InlineData("high", "low", "11")]
    [InlineData("low", "low", "11")]
    public void A_gang_smaller_than_its_job_counts_the_pods_of_higher_priority_first(string launcher, string workers, string cpu)
    {
        var world = World("volcano", 4, s =>
        {
            Resources(s, "Launcher", """{"requests":{"cpu":"10"}}""");
            Resources(s, "Worker", """{"requests":{"cpu":"1"}}""");
            s.PodSpec("Launcher")["priorityClassName"] = launcher;
            s.PodSpec("Worker")["priorityClassName"] = workers;
            s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["minAvailable"] = 2 };
        });
        world.Priorities = world.Priorities.Add("high", 1000);

        world.Settle();

        Assert.Contains($$"""
            "minResources":{"cpu":"{{cpu}}"}
            """.Trim(), Spec(world, Volcano), StringComparison.Ordinal);
    }

    [Theory]
    // the policy's, the launcher's, the workers' -> the group's
    [InlineData("high", "low", "low", "high")]
    [InlineData(null, "high", "low", "high")]
    [InlineData(null, null, "low", "low")]
    [InlineData(null, null, null, null)]
    public void The_groups_priority_class_is_the_policys_else_the_launchers_else_the_workers(string? policy, string? launcher, string? workers, string? expected)
    {
        var world = World("volcano", 1, s =>
        {
            s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["priorityClass"] = policy ?? "" };
            if (launcher is not null) s.PodSpec("Launcher")["priorityClassName"] = launcher;
            if (workers is not null) s.PodSpec("Worker")["priorityClassName"] = workers;
        });
        world.Settle();
        Assert.Equal(expected, world.Find(Volcano, "pi")!["spec"]!["priorityClassName"]?.ToString());
    }

    [Theory]
    // scheduler, workers, minAvailable, their priorities' classes, launcher's and workers' requests container by container -> sum
    [InlineData("volcano", 2, null, null, null, "", "", null)]
    [InlineData("volcano", 2, null, null, null, "2 1Gi", "10 32Gi", "22 65Gi")]
    [InlineData("volcano", 0, null, null, null, "2 1Gi", "", "2 1Gi")]
    [InlineData("plugins", 0, null, null, null, "2 1Gi", "", "2 1Gi")]
    [InlineData("plugins", 2, null, null, null, "2 1Gi", "10 32Gi,50 512Gi", "122 1089Gi")]
    [InlineData("plugins", 2, 2, "missing", "missing", "2 2Gi", "5 16Gi", "7 18Gi")]
    [InlineData("plugins", 100, 2, "high", "low", "2 4Gi", "20 64Gi", "22 68Gi")]
    public void A_group_asks_for_what_its_pods_ask_for(string scheduler, int workers, int? minAvailable, string? launcherClass, string? workerClass, string launcher, string worker, string? expected)
    {
        foreach (var strict in (bool[])[false, true])
        {
            var world = World(scheduler, workers, s =>
            {
                Requests(s, "Launcher", launcher, launcherClass);
                if (workers > 0) Requests(s, "Worker", worker, workerClass);
                if (minAvailable is not null) s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["minAvailable"] = minAvailable };
            });
            world.Options = world.Options with { Strict = strict };
            world.Priorities = world.Priorities.Add("high", 100_010).Add("low", 10_010);

            world.Settle();

            var spec = world.Find(GangBackend.Named(scheduler)!.Kinds[0], "pi")!["spec"]!;
            Assert.Equal(minAvailable ?? workers + 1, spec["minMember"]!.GetValue<int>());
            Assert.Equal(expected, spec["minResources"] is { } sum ? $"{sum["cpu"]} {sum["memory"]}" : null);
        }
    }

    [Fact]
    public void Strictly_a_gang_of_nobody_asks_for_nothing()
    {
        var world = World("plugins", 2, static s =>
        {
            Requests(s, "Worker", "1 1Gi", null);
            s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["minAvailable"] = 0 };
        });
        world.Options = world.Options with { Strict = true };
        world.Settle();
        Assert.Equal("""{"minMember":0,"scheduleTimeoutSeconds":0}""", Spec(world, GangBackend.Named("plugins")!.Kinds[0]));
    }

    [Theory]
    [InlineData("volcano", """{"minMember":2,"queue":"project-y","priorityClassName":"high","minResources":{"cpu":"100","memory":"512Gi","example.com/gpu":"40"}}""")]
    [InlineData("plugins", """{"minMember":2,"minResources":{"cpu":"100","memory":"512Gi","example.com/gpu":"40"},"scheduleTimeoutSeconds":100}""")]
    public void All_that_the_policy_says_reaches_the_group_and_comes_before_the_jobs_annotation(string scheduler, string expected)
    {
        var world = World(scheduler, 1000, static s =>
        {
            Requests(s, "Worker", "10 20Gi", null);
            s.RunPolicy()["schedulingPolicy"] = JsonNode.Parse(
                """{"minAvailable":2,"queue":"project-y","priorityClass":"high","minResources":{"cpu":"100","memory":"512Gi","example.com/gpu":"40"},"scheduleTimeoutSeconds":100}""");
        });
        world.Job["metadata"]!["annotations"] = new JsonObject { ["scheduling.volcano.sh/queue-name"] = "project-x" };
        world.Settle();
        Assert.Equal(expected, Spec(world, GangBackend.Named(scheduler)!.Kinds[0]));
    }

    [Fact]
    public void A_group_of_somebody_else_is_a_conflict_and_stays_untouched()
    {
        var world = World("volcano", 2);
        world.Job["metadata"]!["creationTimestamp"] = KubeTime.Format(world.Now.AddMinutes(-5));
        world.Put(Volcano, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "pi" }, ["spec"] = new JsonObject { ["minMember"] = 1 } });
        world.Settle();
        Assert.Equal("ErrResourceExists", FakeWorld.Text(world.Condition("Blocked")!, "reason"));
        Assert.Equal("""{"minMember":1}""", Spec(world, Volcano));
        Assert.Empty(world.Pods);
    }

    [Fact]
    public void Why_a_group_waits_is_said_by_its_reason()
    {
        var world = World("volcano", 2);
        world.Settle();
        world.Find(Volcano, "pi")!["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Unschedulable", ["status"] = "True", ["reason"] = "NotEnoughResources", ["message"] = "2/3 tasks in gang unschedulable" }),
        };
        world.Settle();
        Assert.Contains("NotEnoughResources", FakeWorld.Text(world.Condition("Blocked")!, "message"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gang_that_has_run_waits_for_no_place_when_its_pods_go()
    {
        var world = World("volcano", 2);
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        world.Remove(Kinds.Pod, FakeWorld.Text(world.LauncherPods.Single(), "metadata", "name"));
        world.Find(Volcano, "pi")!["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Unschedulable", ["status"] = "True", ["reason"] = "NotEnoughTasks" }),
        };
        world.Settle();
        Assert.Null(world.Condition("Blocked"));
    }

    [Fact]
    public void A_queue_that_cannot_be_looked_for_is_spoken_of_once_when_the_gang_waits_without_a_word()
    {
        var world = World("kube-batch", 2, static s => s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["queue"] = "night" });
        world.Queue = QueueSighting.Hidden;
        world.Settle();
        var due = Planner.Decide(world.Observe()).RevisitAt;
        Assert.Equal(world.Now.AddMinutes(1), due);
        Assert.Null(world.Condition("Blocked"));

        world.Now = due!.Value;
        world.Settle();
        Assert.Equal("QueueHidden", FakeWorld.Text(world.Condition("Blocked")!, "reason"));
        Assert.Contains("as when there is no Queue night. The operator may not look for it: kubectl get queues.scheduling.incubator.k8s.io night", FakeWorld.Text(world.Condition("Blocked")!, "message"), StringComparison.Ordinal);
        world.Now = world.Now.AddHours(1);
        world.Settle();
        Assert.Single(world.Events, static e => e.Reason == "QueueHidden");

        // A scheduler that has a word for the group knows its queue.
        world.Find(GangBackend.Named("kube-batch")!.Kinds[0], "pi")!["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Unschedulable", ["status"] = "True", ["reason"] = "NotEnoughResources" }),
        };
        world.Settle();
        Assert.Equal("GangWaiting", FakeWorld.Text(world.Condition("Blocked")!, "reason"));
    }

    [Fact]
    public void Of_a_gang_with_a_pod_on_a_node_the_queue_is_in_no_doubt()
    {
        var world = World("kube-batch", 2, static s => s.RunPolicy()["schedulingPolicy"] = new JsonObject { ["queue"] = "night" });
        world.Queue = QueueSighting.Hidden;
        world.Settle();
        world.Workers.First().Object("status")["conditions"] = new JsonArray(new JsonObject { ["type"] = "PodScheduled", ["status"] = "True", ["lastTransitionTime"] = KubeTime.Format(world.Now) });

        world.Now = world.Now.AddMinutes(5);
        world.Settle();

        Assert.Null(world.Condition("Blocked"));
    }

    [Fact]
    public void A_gang_costs_two_writes()
    {
        var plain = new FakeWorld(Jobs.Pi(3));
        var gang = World("volcano", 3);
        foreach (var world in new[] { plain, gang })
        {
            world.Settle();
            world.RunWorkers();
            world.RunLauncher();
            world.Settle();
            world.CompleteLauncher();
            world.Settle();
        }

        Assert.Equal(["create PodGroup pi", "delete PodGroup pi"], gang.Writes.Except(plain.Writes));
        Assert.Equal(plain.Writes.Count + 2, gang.Writes.Count);
    }

    private static FakeWorld World(string scheduler, int workers, Action<JsonObject>? spec = null) => new(Jobs.Pi(workers, spec))
    {
        Options = new PlanningOptions { GangScheduler = scheduler },
        GangKinds = scheduler.Length > 0 ? [.. GangBackend.Named(scheduler)!.Kinds] : [],
    };

    private static FakeWorld Running(Action<JsonObject>? spec = null)
    {
        var world = World("volcano", 2, spec);
        world.Settle();
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        return world;
    }

    private static void Resources(JsonObject spec, string role, string json) => spec.Container(role)["resources"] = JsonNode.Parse(json);

    /// <param name="containers">CPU and memory of each container: <c>2 1Gi,4 8Gi</c>.</param>
    private static void Requests(JsonObject spec, string role, string containers, string? priorityClass)
    {
        var pod = spec.PodSpec(role);
        if (priorityClass is not null) pod["priorityClassName"] = priorityClass;
        var (first, asked) = ((JsonObject)pod["containers"]![0]!, containers.Split(',', StringSplitOptions.RemoveEmptyEntries));
        pod["containers"] = new JsonArray([.. (asked.Length == 0 ? [""] : asked).Select((text, index) =>
        {
            var container = (JsonObject)first.DeepClone();
            container["name"] = $"c{index}";
            if (text.Split(' ') is [var cpu, var memory]) container["resources"] = new JsonObject { ["requests"] = new JsonObject { ["cpu"] = cpu, ["memory"] = memory } };
            return (JsonNode)container;
        })]);
    }

    private static string Spec(FakeWorld world, ResourceKind kind) => world.Find(kind, "pi")!["spec"]!.ToJsonString();

    private static IEnumerable<(JsonNode Metadata, JsonNode Spec)> Pods(FakeWorld world)
    {
        foreach (var pod in world.Workers) yield return (pod["metadata"]!, pod["spec"]!);
        var launcher = world.Launcher!["spec"]!["template"]!;
        yield return (launcher["metadata"]!, launcher["spec"]!);
    }
}
