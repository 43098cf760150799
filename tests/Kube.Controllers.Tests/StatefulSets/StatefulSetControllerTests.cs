using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class StatefulSetControllerTests
{
    [Fact]
    public void Pods_come_one_after_the_other_each_when_the_one_before_is_ready()
    {
        using var world = new World { Script = _ => new PodScript { ReadyDelay = TimeSpan.FromSeconds(10) } };
        world.Cluster.Create(A.StatefulSet("web", 3));
        world.Run(5);
        Assert.Equal(["web-0"], Names(world));
        world.Run(10);
        Assert.Equal(["web-0", "web-1"], Names(world));
        world.Run(30);
        Assert.Equal(["web-0", "web-1", "web-2"], Names(world));
        var pod = world.Cluster.Get(Kinds.Pod, "web-1").Root;
        Assert.Equal(("web-1", "web"), (pod.Text("spec", "hostname"), pod.Text("spec", "subdomain")));
        Assert.Equal(("1", "web-1"), (pod.Text("metadata", "labels", "apps.kubernetes.io/pod-index"), pod.Text("metadata", "labels", "statefulset.kubernetes.io/pod-name")));
        var status = Status(world);
        Assert.Equal((3L, 3L, 3L, 3L), (status.Integer("replicas"), status.Integer("readyReplicas"), status.Integer("currentReplicas"), status.Integer("availableReplicas")));
        Assert.Equal(status.Text("currentRevision"), status.Text("updateRevision"));
    }

    [Fact]
    public void Parallel_pods_come_all_at_once_and_go_all_at_once()
    {
        using var world = new World { Script = _ => new PodScript { ReadyDelay = TimeSpan.FromSeconds(10) } };
        world.Cluster.Create(A.StatefulSet("web", 20).With("spec.podManagementPolicy", "\"Parallel\""));
        world.Run(1);
        Assert.Equal(20, world.Pods.Count);
        world.Cluster.Patch(Kinds.StatefulSet, "web", """{"spec":{"replicas":5}}""");
        world.Run(1);
        Assert.Equal(["web-0", "web-1", "web-2", "web-3", "web-4"], Names(world));
    }

    [Fact]
    public void A_name_that_a_stranger_has_is_tried_again_until_it_is_free_and_keeps_no_other_pod_back()
    {
        using var world = new World();
        world.Cluster.Create(A.Pod("web-0"));
        world.Cluster.Create(A.StatefulSet("web", 2).With("spec.podManagementPolicy", "\"Parallel\""));
        world.Run(60);
        Assert.Equal(["web-0", "web-1"], Names(world));
        Assert.Equal(1, Status(world).Integer("readyReplicas"));
        world.Cluster.Delete(Kinds.Pod, "web-0", grace: TimeSpan.Zero);
        world.Run(120);
        Assert.Equal(2, Status(world).Integer("readyReplicas"));
    }

    [Fact]
    public void Ordered_pods_go_from_the_top_one_after_the_other()
    {
        using var world = new World { Script = _ => new PodScript { StopTime = TimeSpan.FromSeconds(10) } };
        world.Cluster.Create(A.StatefulSet("web", 3));
        world.Run(10);
        world.Cluster.Patch(Kinds.StatefulSet, "web", """{"spec":{"replicas":0}}""");
        world.Run(5);
        Assert.Equal(["web-2"], world.Pods.Where(p => p.IsTerminating).Select(p => p.Meta.Name));
        world.Run(30);
        Assert.Empty(world.Pods);
    }

    [Fact]
    public void A_pod_that_is_lost_comes_back_under_its_name_on_its_own_claim()
    {
        using var world = new World();
        world.Cluster.Create(WithClaims("web", 2));
        world.Run(5);
        var before = world.Cluster.Get(Kinds.Pod, "web-0");
        Assert.Equal("data-web-0", before.Root.Items("spec", "volumes").First().Text("persistentVolumeClaim", "claimName"));
        var claim = world.Cluster.Get(Kinds.PersistentVolumeClaim, "data-web-0");
        Assert.Equal("web", claim.Meta.Labels["app"]);
        world.Cluster.Delete(Kinds.Pod, "web-0", grace: TimeSpan.Zero);
        world.Run(5);
        Assert.NotEqual(before.Meta.Uid, world.Cluster.Get(Kinds.Pod, "web-0").Meta.Uid);
        Assert.Equal(claim.Meta.Uid, world.Cluster.Get(Kinds.PersistentVolumeClaim, "data-web-0").Meta.Uid);
    }

    [Fact]
    public void A_failed_pod_makes_room_for_its_successor()
    {
        var first = true;
        using var world = new World();
        world.Script = _ =>
        {
            var script = first ? PodScript.RunsForever with { Eviction = new PodEviction(TimeSpan.FromSeconds(5), "the node was low on memory") } : PodScript.RunsForever;
            first = false;
            return script;
        };
        world.Cluster.Create(A.StatefulSet("web", 1));
        world.Run(20);
        Assert.Equal("Running", new PodView(world.Cluster.Get(Kinds.Pod, "web-0")).Phase);
        Assert.Contains("RecreatingFailedPod", world.EventReasons);
    }

    [Fact]
    public void A_new_template_is_rolled_out_from_the_top_and_its_history_kept()
    {
        using var world = new World { Script = _ => new PodScript { ReadyDelay = TimeSpan.FromSeconds(10) } };
        world.Cluster.Create(A.StatefulSet("web", 2));
        world.Run(40);
        SetImage(world, "new");
        world.Run(5);
        Assert.Equal(["example/image", "new"], Images(world));
        Assert.NotEqual(Status(world).Text("currentRevision"), Status(world).Text("updateRevision"));
        world.Run(60);
        Assert.Equal(["new", "new"], Images(world));
        Assert.Equal(Status(world).Text("currentRevision"), Status(world).Text("updateRevision"));
        Assert.Equal([1, 2], Revisions(world));

        // The old template again is the old revision again, as the newest.
        SetImage(world, "example/image");
        world.Run(60);
        Assert.Equal([2, 3], Revisions(world));
        Assert.Equal(["example/image", "example/image"], Images(world));
    }

    [Fact]
    public void Below_the_partition_pods_keep_the_current_revision_even_when_made_anew()
    {
        using var world = new World();
        world.Cluster.Create(A.StatefulSet("web", 3).With("spec.updateStrategy", """{"type":"RollingUpdate","rollingUpdate":{"partition":2}}"""));
        world.Run(10);
        SetImage(world, "new");
        world.Run(10);
        Assert.Equal(["example/image", "example/image", "new"], Images(world));
        world.Cluster.Delete(Kinds.Pod, "web-0", grace: TimeSpan.Zero);
        world.Run(10);
        Assert.Equal(["example/image", "example/image", "new"], Images(world));
    }

    [Fact]
    public void With_updates_on_delete_a_pod_changes_when_somebody_deletes_it()
    {
        using var world = new World();
        world.Cluster.Create(A.StatefulSet("web", 2).With("spec.updateStrategy", """{"type":"OnDelete"}"""));
        world.Run(10);
        SetImage(world, "new");
        world.Run(10);
        Assert.Equal(["example/image", "example/image"], Images(world));
        world.Cluster.Delete(Kinds.Pod, "web-0", grace: TimeSpan.Zero);
        world.Run(10);
        Assert.Equal(["new", "example/image"], Images(world));
    }

    [Theory]
    [InlineData("Retain", 2)]
    [InlineData("Delete", 1)]
    public void Claims_of_pods_that_are_scaled_away_follow_the_policy(string policy, int left)
    {
        using var world = new World();
        world.Cluster.Create(WithClaims("web", 2).With("spec.persistentVolumeClaimRetentionPolicy", $$"""{"whenScaled":"{{policy}}","whenDeleted":"Retain"}"""));
        world.Run(10);
        world.Cluster.Patch(Kinds.StatefulSet, "web", """{"spec":{"replicas":1}}""");
        world.Run(10);
        Assert.Equal(left, world.Cluster.List(Kinds.PersistentVolumeClaim).Count);
    }

    [Theory]
    [InlineData("Retain", 2)]
    [InlineData("Delete", 0)]
    public void Claims_of_a_deleted_set_follow_the_policy(string policy, int left)
    {
        using var world = new World();
        world.Cluster.Create(WithClaims("web", 2).With("spec.persistentVolumeClaimRetentionPolicy", $$"""{"whenScaled":"Retain","whenDeleted":"{{policy}}"}"""));
        world.Run(10);
        world.Cluster.Delete(Kinds.StatefulSet, "web", "Background");
        world.Run(60);
        Assert.Empty(world.Pods);
        Assert.Equal(left, world.Cluster.List(Kinds.PersistentVolumeClaim).Count);
    }

    [Fact]
    public void Orphans_are_adopted_by_a_set_made_anew()
    {
        using var world = new World();
        world.Cluster.Create(A.StatefulSet("web", 2));
        world.Run(10);
        var uids = world.Pods.Select(p => p.Meta.Uid).ToList();
        world.Cluster.Delete(Kinds.StatefulSet, "web", "Orphan");
        world.Run(5);
        Assert.All(world.Pods, p => Assert.Null(p.Meta.Controller));
        var again = world.Cluster.Create(A.StatefulSet("web", 2));
        world.Run(5);
        Assert.Equal(uids, world.Pods.Select(p => p.Meta.Uid));
        Assert.All(world.Pods, p => Assert.Equal(again.Meta.Uid, p.Meta.Controller!.Uid));
        Assert.Equal([1], Revisions(world));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Late_events_and_lost_answers_leave_one_pod_an_ordinal_and_rest(int seed)
    {
        using var world = new World(seed);
        var chance = new Random(seed);
        world.ControllerRequests.OnWatchEvent = (_, _) => chance.Next(4) == 0 ? new WatchFault.Delay(TimeSpan.FromSeconds(2)) : null;
        world.ControllerRequests.OnRequest = r => r.IsWrite ? chance.Next(6) switch { 0 => Fault.TimeoutAfterLanding(), 1 => Fault.Unavailable(), _ => null } : null;
        world.Cluster.Create(A.StatefulSet("web", 4));
        world.Run(200);
        SetImage(world, "new");
        world.Run(400);
        Assert.Equal(["new", "new", "new", "new"], Images(world));
        world.ControllerRequests.OnRequest = null;
        world.ControllerRequests.OnWatchEvent = null;
        world.Run(60);
        var writes = world.ControllerRequests.Writes;
        world.Run(3600);
        Assert.Equal(writes, world.ControllerRequests.Writes);
    }

    private static ObjectBuilder WithClaims(string name, int replicas) => A.StatefulSet(name, replicas).With("spec.volumeClaimTemplates", """
        [{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]
        """);

    private static void SetImage(World world, string image) => world.Cluster.Patch(
        Kinds.StatefulSet, "web", $$$"""{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"{{{image}}}"}]} } } }""");

    private static IEnumerable<string> Names(World world) => world.Pods.Select(p => p.Meta.Name);
    private static IEnumerable<string?> Images(World world) => world.Pods.Select(p => p.Spec.Items("containers").Single().Text("image"));
    private static IEnumerable<long> Revisions(World world) => world.Cluster.List(Kinds.ControllerRevision).Select(r => r.Root.Integer("revision") ?? 0).Order();
    private static System.Text.Json.JsonElement Status(World world) => world.Cluster.Get(Kinds.StatefulSet, "web").Root.At("status");
}
