using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class DeploymentControllerTests
{
    [Fact]
    public void A_deployment_brings_up_its_pods_and_says_that_it_is_done()
    {
        using var world = new World { Script = _ => new PodScript { ReadyDelay = TimeSpan.FromSeconds(5) } };
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 3));
        world.Run(1);
        Assert.Equal(("False", "MinimumReplicasUnavailable"), Condition(world, "Available"));
        world.Run(10);
        Assert.Equal(("True", "MinimumReplicasAvailable"), Condition(world, "Available"));
        Assert.Equal(("True", "NewReplicaSetAvailable"), Condition(world, "Progressing"));
        var set = Assert.Single(Sets(world));
        Assert.Equal(("3", "4", "1"), (set.Meta.Annotations["deployment.kubernetes.io/desired-replicas"], set.Meta.Annotations["deployment.kubernetes.io/max-replicas"], set.Meta.Annotations["deployment.kubernetes.io/revision"]));
        Assert.All(world.Pods, p => Assert.Equal(set.Meta.Labels["pod-template-hash"], p.Meta.Labels["pod-template-hash"]));
        var status = Status(world);
        Assert.Equal((3L, 3L, 3L, null), (status.Integer("replicas"), status.Integer("updatedReplicas"), status.Integer("availableReplicas"), status.Integer("unavailableReplicas")));
    }

    [Fact]
    public void A_roll_out_keeps_within_surge_and_availability_and_undo_brings_the_old_set_back()
    {
        using var world = new World { Script = _ => new PodScript { ReadyDelay = TimeSpan.FromSeconds(5) } };
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 4));
        world.Run(20);
        var first = Assert.Single(Sets(world)).Meta.Name;
        world.Stepper.AfterProgress = _ =>
        {
            var live = world.LivePods.Where(p => !p.IsTerminating).ToList();
            Assert.True(live.Count <= 5, "more pods than the surge allows");
            Assert.True(live.Count(p => p.IsReady) >= 3, "fewer ready pods than must stay");
        };
        SetImage(world, "new");
        world.Run(60);
        Assert.Equal(["new"], Images(world).Distinct());
        Assert.Equal([(first, 0L, "1"), (Sets(world).Single(s => s.Meta.Name != first).Meta.Name, 4L, "2")], Sets(world).OrderBy(s => s.Meta.Name != first).Select(s => (s.Meta.Name, s.Root.Integer("spec", "replicas") ?? 0, s.Meta.Annotations["deployment.kubernetes.io/revision"])));
        Assert.Equal("2", world.Cluster.Get(Kinds.Deployment, "d").Meta.Annotations["deployment.kubernetes.io/revision"]);

        SetImage(world, "example/image");
        world.Run(60);
        var again = Sets(world).Single(s => s.Meta.Name == first);
        Assert.Equal((4L, "3", "1"), (again.Root.Integer("spec", "replicas"), again.Meta.Annotations["deployment.kubernetes.io/revision"], again.Meta.Annotations["deployment.kubernetes.io/revision-history"]));
        Assert.Contains("ScalingReplicaSet", world.EventReasons);
    }

    [Fact]
    public void Recreate_waits_for_the_last_old_pod()
    {
        using var world = new World { Script = _ => new PodScript { StopTime = TimeSpan.FromSeconds(10) } };
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 2).With("spec.strategy", """{"type":"Recreate"}"""));
        world.Run(10);
        world.Stepper.AfterProgress = _ => Assert.Single(world.LivePods.Select(p => p.Spec.Items("containers").Single().Text("image")).DefaultIfEmpty("").Distinct());
        SetImage(world, "new");
        world.Run(60);
        Assert.Equal(["new", "new"], Images(world));
    }

    [Fact]
    public void A_roll_out_that_does_not_get_on_says_so_after_its_deadline()
    {
        using var world = new World { Script = p => p.Spec.Items("containers").Single().Text("image") == "broken" ? new PodScript { StartDelay = null } : PodScript.RunsForever };
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 2).With("spec.progressDeadlineSeconds", "30"));
        world.Run(10);
        SetImage(world, "broken");
        world.Run(20);
        Assert.Equal(("True", "ReplicaSetUpdated"), Condition(world, "Progressing"));
        world.Run(30);
        Assert.Equal(("False", "ProgressDeadlineExceeded"), Condition(world, "Progressing"));
        Assert.Contains(world.LivePods, static p => p.IsReady);
    }

    [Fact]
    public void Scaling_reaches_the_pods_and_the_middle_of_a_roll_out_shares_it_out()
    {
        using var world = new World { Script = p => p.Spec.Items("containers").Single().Text("image") == "stuck" ? new PodScript { StartDelay = null } : PodScript.RunsForever };
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 2));
        world.Run(10);
        world.Cluster.Patch(Kinds.Deployment, "d", """{"spec":{"replicas":4}}""");
        world.Run(10);
        Assert.Equal(4, world.LivePods.Count);
        SetImage(world, "stuck");
        world.Run(10);
        world.Cluster.Patch(Kinds.Deployment, "d", """{"spec":{"replicas":8}}""");
        world.Run(10);
        var sizes = Sets(world).Select(s => s.Root.Integer("spec", "replicas") ?? 0).ToList();
        Assert.Equal(10, sizes.Sum());
        Assert.All(sizes, s => Assert.True(s > 2));
    }

    [Fact]
    public void History_beyond_the_limit_is_forgotten()
    {
        using var world = new World();
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 1).With("spec.revisionHistoryLimit", "1"));
        world.Run(10);
        foreach (var image in new[] { "a", "b", "c" })
        {
            SetImage(world, image);
            world.Run(60);
        }

        Assert.Equal(["3", "4"], Sets(world).Select(s => s.Meta.Annotations["deployment.kubernetes.io/revision"]).Order());
    }

    [Fact]
    public void A_paused_deployment_takes_a_new_template_when_it_goes_on()
    {
        using var world = new World();
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 2));
        world.Run(10);
        world.Cluster.Patch(Kinds.Deployment, "d", """{"spec":{"paused":true}}""");
        SetImage(world, "new");
        world.Run(20);
        Assert.Equal(["example/image"], Images(world).Distinct());
        world.Cluster.Patch(Kinds.Deployment, "d", """{"spec":{"paused":null}}""");
        world.Run(60);
        Assert.Equal(["new"], Images(world).Distinct());
    }

    [Fact]
    public void Orphaned_sets_and_pods_are_adopted_by_a_deployment_made_anew()
    {
        using var world = new World();
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 2));
        world.Run(10);
        var uids = world.Pods.Select(p => p.Meta.Uid).Order().ToList();
        world.Cluster.Delete(Kinds.Deployment, "d", "Orphan");
        world.Run(5);
        Assert.Null(Assert.Single(Sets(world)).Meta.Controller);
        var again = world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 2));
        world.Run(10);
        Assert.Equal(again.Meta.Uid, Assert.Single(Sets(world)).Meta.Controller!.Uid);
        Assert.Equal(uids, world.Pods.Select(p => p.Meta.Uid).Order());
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 6)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Late_events_and_lost_answers_make_no_pod_too_many_and_at_rest_nothing_is_written(int seed)
    {
        using var world = new World(seed);
        var chance = new Random(seed);
        world.ControllerRequests.OnWatchEvent = (_, _) => chance.Next(4) == 0 ? new WatchFault.Delay(TimeSpan.FromSeconds(2)) : null;
        world.ControllerRequests.OnRequest = r => r.IsWrite ? chance.Next(6) switch { 0 => Fault.TimeoutAfterLanding(), 1 => Fault.Unavailable(), _ => null } : null;
        world.Stepper.AfterProgress = _ =>
        {
            var live = world.LivePods.Where(static p => !p.IsTerminating).ToList();
            Assert.True(live.Count <= 4, "more pods than the surge allows");
            Assert.All(live.GroupBy(static p => p.Meta.Controller!.Name), static set => Assert.True(set.Count() <= 3, set.Key));
        };
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 3));
        world.Run(100);
        SetImage(world, "new");
        world.Run(400);
        world.ControllerRequests.OnRequest = null;
        world.ControllerRequests.OnWatchEvent = null;
        world.Run(120);
        Assert.Equal(["new", "new", "new"], Images(world));
        var writes = world.ControllerRequests.Writes;
        world.Run(3600);
        Assert.Equal(writes, world.ControllerRequests.Writes);
    }

    [Theory]
    [InlineData("""{"minAvailable":2}""", 3, 2, 1)]
    [InlineData("""{"maxUnavailable":"50%"}""", 3, 1, 2)]
    [InlineData("""{"minAvailable":"100%"}""", 3, 3, 0)]
    public void A_budget_says_how_many_pods_may_go(string spec, int expected, int desired, int allowed)
    {
        using var world = new World();
        var budget = A.Object(Kinds.PodDisruptionBudget, "b").With("spec", spec);
        budget.With("spec.selector", """{"matchLabels":{"app":"d"}}""");
        world.Cluster.Create(budget);
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 3));
        world.Run(20);
        var status = world.Cluster.Get(Kinds.PodDisruptionBudget, "b").Root.At("status");
        Assert.Equal((expected, 3, desired, allowed), ((int)status.Integer("expectedPods")!, (int)status.Integer("currentHealthy")!, (int)status.Integer("desiredHealthy")!, (int)status.Integer("disruptionsAllowed")!));
        Assert.Equal(allowed > 0 ? "SufficientPods" : "InsufficientPods", Conditions.Find(status, "DisruptionAllowed")?.Reason);
    }

    private static void SetImage(World world, string image) => world.Cluster.Patch(
        Kinds.Deployment, "d", $$$"""{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"{{{image}}}"}]} } } }""");

    private static IEnumerable<KubeObject> Sets(World world) => world.Cluster.List(Kinds.ReplicaSet);
    private static IEnumerable<string?> Images(World world) => world.LivePods.Where(p => !p.IsTerminating).Select(p => p.Spec.Items("containers").Single().Text("image"));
    private static System.Text.Json.JsonElement Status(World world) => world.Cluster.Get(Kinds.Deployment, "d").Root.At("status");
    private static (string?, string?) Condition(World world, string type) => (Conditions.Find(Status(world), type)?.Status, Conditions.Find(Status(world), type)?.Reason);
}
