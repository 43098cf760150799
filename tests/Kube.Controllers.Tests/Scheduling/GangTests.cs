using System.Text.Json.Nodes;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class GangTests
{
    private static readonly ResourceKind Volcano = new("scheduling.volcano.sh", "v1beta1", "PodGroup", "podgroups");
    private static readonly ResourceKind KubeBatch = new("scheduling.incubator.k8s.io", "v1alpha1", "PodGroup", "podgroups");
    private static readonly ResourceKind KubeBatchQueue = new("scheduling.incubator.k8s.io", "v1alpha1", "Queue", "queues", Namespaced: false);
    private static readonly ResourceKind Plugins = new("scheduling.x-k8s.io", "v1alpha1", "PodGroup", "podgroups");
    private static readonly ResourceKind InTree = new("scheduling.k8s.io", "v1alpha2", "PodGroup", "podgroups");

    public static TheoryData<string> Backends => ["volcano", "kube-batch", "scheduler-plugins", "in-tree"];

    [Theory]
    [MemberData(nameof(Backends))]
    public void All_of_a_group_start_or_none(string backend)
    {
        using var world = new World(nodes: 2, cpu: "4");
        var kind = Install(world, backend);
        world.Cluster.Create(Group(kind, "g", 5));
        for (var i = 0; i < 5; i++) world.Cluster.Create(Member(backend, $"p{i}", "2"));
        world.Run(10);
        Assert.All(world.Pods, p => Assert.Equal("", p.NodeName));

        // A stranger may have the room that the group could not use.
        world.Cluster.Create(A.Pod("stranger").Requests(("cpu", "4")));
        world.Run(1);
        Assert.NotEqual("", new PodView(world.Cluster.Get(Kinds.Pod, "stranger")).NodeName);
        world.Cluster.Delete(Kinds.Pod, "stranger", grace: TimeSpan.Zero);
        world.Cluster.CreateWithStatus(A.Node("late", cpu: "4"));
        world.Run(10);
        Assert.All(world.Pods, p => Assert.NotEqual("", p.NodeName));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_group_waits_for_its_last_pod(string backend)
    {
        using var world = new World();
        var kind = Install(world, backend);
        world.Cluster.Create(Group(kind, "g", 3));
        for (var i = 0; i < 2; i++) world.Cluster.Create(Member(backend, $"p{i}", "1"));
        world.Run(10);
        Assert.All(world.Pods, p => Assert.Equal(("", "Unschedulable"), (p.NodeName, Conditions.Find(p.Status, "PodScheduled")?.Reason)));
        world.Cluster.Create(Member(backend, "p2", "1"));
        world.Run(2);
        Assert.All(world.Pods, p => Assert.Equal("node0", p.NodeName));
        // Beyond its minimum it grows pod by pod.
        world.Cluster.Create(Member(backend, "p3", "1"));
        world.Run(2);
        Assert.All(world.Pods, p => Assert.Equal("node0", p.NodeName));
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Pods_wait_for_a_group_that_does_not_exist_yet(string backend)
    {
        using var world = new World();
        var kind = Install(world, backend);
        world.Cluster.Create(Member(backend, "p", "1"));
        world.Run(5);
        Assert.Equal("", Assert.Single(world.Pods).NodeName);
        world.Cluster.Create(Group(kind, "g", 1));
        world.Run(5);
        Assert.Equal("node0", Assert.Single(world.Pods).NodeName);
    }

    [Fact]
    public void Without_the_back_end_installed_its_markers_mean_nothing()
    {
        using var world = new World();
        world.Cluster.Create(Member("volcano", "p", "1"));
        world.Run(1);
        Assert.Equal("node0", Assert.Single(world.Pods).NodeName);
    }

    [Fact]
    public void Volcano_says_in_the_group_how_it_fares()
    {
        using var world = new World(cpu: "4") { Script = _ => PodScript.RunsFor(TimeSpan.FromSeconds(60)) };
        var kind = Install(world, "volcano");
        world.Cluster.Create(Group(kind, "g", 3));
        for (var i = 0; i < 3; i++) world.Cluster.Create(Member("volcano", $"p{i}", "2"));
        world.Run(5);
        var status = Status(world, kind);
        Assert.Equal(("Inqueue", "Unschedulable", "NotEnoughResources"), (status.Text("phase"), status.Items("conditions").Last().Text("type"), status.Items("conditions").Last().Text("reason")));
        Assert.StartsWith("3/3 tasks in gang unschedulable: pod group is not ready, 3 Pending, 3 minAvailable", status.Items("conditions").Last().Text("message"), StringComparison.Ordinal);
        world.Cluster.CreateWithStatus(A.Node("late", cpu: "4"));
        world.Cluster.Create(A.Object(new ResourceKind("", "v1", "ConfigMap", "configmaps"), "poke"));
        world.Run(5);
        Assert.Equal("Running", Status(world, kind).Text("phase"));
        Assert.Equal("Scheduled", Status(world, kind).Items("conditions").Last().Text("type"));
    }

    [Fact]
    public void Volcano_lets_a_group_in_only_when_its_whole_demand_is_free()
    {
        using var world = new World(cpu: "4");
        var kind = Install(world, "volcano");
        world.Cluster.Create(Group(kind, "g", 1).With("spec.minResources", """{"cpu":"6"}"""));
        world.Cluster.Create(Member("volcano", "p", "1"));
        world.Run(5);
        Assert.Equal(("", "Pending"), (Assert.Single(world.Pods).NodeName, Status(world, kind).Text("phase")));
        world.Cluster.CreateWithStatus(A.Node("late", cpu: "4"));
        world.Run(5);
        Assert.NotEqual("", Assert.Single(world.Pods).NodeName);
    }

    [Fact]
    public void Kube_batch_never_schedules_into_a_queue_that_nobody_made()
    {
        using var world = new World();
        var kind = Install(world, "kube-batch");
        Define(world, KubeBatchQueue);
        world.Run(1);
        world.Cluster.Create(Group(kind, "g", 1).With("spec.queue", "\"research\""));
        world.Cluster.Create(Member("kube-batch", "p", "1"));
        world.Run(5);
        Assert.Equal("queue research does not exist", Conditions.Find(Assert.Single(world.Pods).Status, "PodScheduled")?.Message);
        world.Cluster.Create(A.Object(KubeBatchQueue, "research").With("spec", """{"weight":1}"""));
        world.Run(5);
        Assert.Equal("node0", Assert.Single(world.Pods).NodeName);
        Assert.Equal("Running", Status(world, kind).Text("phase"));
    }

    [Fact]
    public void Scheduler_plugins_groups_pass_through_their_phases()
    {
        using var world = new World(cpu: "4") { Script = _ => PodScript.RunsFor(TimeSpan.FromSeconds(60)) };
        var kind = Install(world, "scheduler-plugins");
        world.Cluster.Create(Group(kind, "g", 2));
        world.Run(1);
        Assert.Equal("Pending", Status(world, kind).Text("phase"));
        for (var i = 0; i < 2; i++) world.Cluster.Create(Member("scheduler-plugins", $"p{i}", "1").RestartPolicy("Never").With("spec.schedulerName", "\"my-own-name\""));
        world.Run(10);
        Assert.Equal(("Running", 2L), (Status(world, kind).Text("phase"), Status(world, kind).Integer("running")));
        world.Run(70);
        Assert.Equal(("Finished", 2L), (Status(world, kind).Text("phase"), Status(world, kind).Integer("succeeded")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_group_that_was_rejected_waits_its_timeout_before_it_tries_again(int seed)
    {
        using var world = new World(seed, cpu: "1");
        var kind = Install(world, "scheduler-plugins");
        world.Cluster.Create(Group(kind, "g", 2).With("spec.scheduleTimeoutSeconds", "100"));
        for (var i = 0; i < 2; i++) world.Cluster.Create(Member("scheduler-plugins", $"p{i}", "1"));
        world.Run(10);
        world.Cluster.CreateWithStatus(A.Node("late", cpu: "4"));
        // Somebody's edit brings the pods before the scheduler meanwhile.
        foreach (var pod in world.Pods) world.Cluster.Patch(Kinds.Pod, pod.Meta.Name, """{"metadata":{"labels":{"edited":"yes"}}}""");
        world.Run(60);
        Assert.All(world.Pods, p => Assert.Equal("", p.NodeName));
        world.Run(60);
        Assert.All(world.Pods, p => Assert.NotEqual("", p.NodeName));
    }

    [Fact]
    public void The_in_tree_group_gets_its_condition()
    {
        using var world = new World(cpu: "1");
        var kind = Install(world, "in-tree");
        world.Cluster.Create(Group(kind, "g", 2));
        for (var i = 0; i < 2; i++) world.Cluster.Create(Member("in-tree", $"p{i}", "1"));
        world.Run(10);
        Assert.Equal(("False", "Unschedulable"), (Conditions.Find(Status(world, kind), "PodGroupScheduled")?.Status, Conditions.Find(Status(world, kind), "PodGroupScheduled")?.Reason));
        world.Cluster.CreateWithStatus(A.Node("late", cpu: "4"));
        world.Run(10);
        Assert.Equal("True", Conditions.Find(Status(world, kind), "PodGroupScheduled")?.Status);
    }

    [Fact]
    public void Two_groups_that_fit_one_at_a_time_run_one_after_the_other()
    {
        using var world = new World(nodes: 2, cpu: "4") { Script = _ => PodScript.RunsFor(TimeSpan.FromSeconds(30)) };
        var kind = Install(world, "volcano");
        foreach (var group in new[] { "a", "b" })
        {
            // All of both nodes, so that no pod of one group leaves room for the whole other.
            world.Cluster.Create(Group(kind, group, 4));
            for (var i = 0; i < 4; i++) world.Cluster.Create(Member("volcano", $"{group}{i}", "2", group).RestartPolicy("Never"));
        }

        world.Stepper.AfterProgress = _ =>
        {
            var placed = world.LivePods.Where(p => p.NodeName.Length > 0).Select(p => p.Meta.Name[0]).Distinct().Count();
            Assert.True(placed <= 1, "pods of both groups hold nodes");
        };
        world.Run(100);
        Assert.All(world.Pods, p => Assert.Equal("Succeeded", p.Phase));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_group_whose_bindings_fail_midway_starts_in_the_end(int seed)
    {
        using var world = new World(seed, nodes: 2, cpu: "4");
        var kind = Install(world, "volcano");
        var chance = new Random(seed);
        world.ControllerRequests.OnRequest = r => r.IsWrite ? chance.Next(4) switch { 0 => Fault.TimeoutAfterLanding(), 1 => Fault.Unavailable(), _ => null } : null;
        world.Cluster.Create(Group(kind, "g", 8));
        for (var i = 0; i < 8; i++) world.Cluster.Create(Member("volcano", $"p{i}", "1"));
        world.Run(300);
        Assert.Equal([4, 4], world.Pods.Where(p => p.NodeName.Length > 0).GroupBy(p => p.NodeName).Select(g => g.Count()));
    }

    private static ResourceKind Install(World world, string backend)
    {
        var kind = backend switch { "volcano" => Volcano, "kube-batch" => KubeBatch, "scheduler-plugins" => Plugins, _ => InTree };
        Define(world, kind);
        world.Run(2);
        return kind;
    }

    private static void Define(World world, ResourceKind kind) => world.Cluster.Create(
        A.Object(Kinds.CustomResourceDefinition, $"{kind.Plural}.{kind.Group}").Annotation("api-approved.kubernetes.io", "unapproved, a test's own").With("spec", new JsonObject
        {
            ["group"] = kind.Group,
            ["scope"] = kind.Namespaced ? "Namespaced" : "Cluster",
            ["names"] = new JsonObject { ["kind"] = kind.Kind, ["plural"] = kind.Plural, ["singular"] = kind.Kind.ToLowerInvariant(), ["listKind"] = kind.Kind + "List" },
            ["versions"] = new JsonArray(new JsonObject
            {
                ["name"] = kind.Version,
                ["served"] = true,
                ["storage"] = true,
                ["schema"] = new JsonObject { ["openAPIV3Schema"] = new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true } },
                ["subresources"] = new JsonObject { ["status"] = new JsonObject() },
            }),
        }));

    private static ObjectBuilder Group(ResourceKind kind, string name, int minimum) => kind == InTree
        ? A.Object(kind, name).With("spec.schedulingPolicy.gang.minCount", JsonValue.Create(minimum))
        : A.Object(kind, name).With("spec.minMember", JsonValue.Create(minimum));

    private static ObjectBuilder Member(string backend, string name, string cpu, string group = "g")
    {
        var pod = A.Pod(name).Requests(("cpu", cpu));
        return backend switch
        {
            "volcano" or "kube-batch" => pod.Annotation("scheduling.k8s.io/group-name", group).With("spec.schedulerName", JsonValue.Create(backend)),
            "scheduler-plugins" => pod.Label("scheduling.x-k8s.io/pod-group", group),
            _ => pod.With("spec.schedulingGroup.podGroupName", JsonValue.Create(group)),
        };
    }

    private static System.Text.Json.JsonElement Status(World world, ResourceKind kind) => world.Cluster.Get(kind, "g").Root.At("status");
}
