using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class GarbageCollectorTests
{
    [Fact]
    public void Dependents_follow_their_owner_in_the_background_through_all_generations()
    {
        using var world = new World();
        var owner = world.Cluster.Create(A.ConfigMap("owner"));
        var child = world.Cluster.Create(A.ConfigMap("child").OwnedBy(owner));
        world.Cluster.Create(A.Object(Kinds.Secret, "grandchild").OwnedBy(child));
        world.Cluster.Create(A.ConfigMap("stranger"));
        world.Run(5);
        world.Cluster.Delete(Kinds.ConfigMap, "owner", "Background");
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "owner"));
        world.Run(5);
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "child"));
        Assert.Null(world.Cluster.Find(Kinds.Secret, "grandchild"));
        Assert.NotNull(world.Cluster.Find(Kinds.ConfigMap, "stranger"));
    }

    [Fact]
    public void In_the_foreground_the_owner_stays_until_those_that_block_it_are_gone()
    {
        using var world = new World();
        var owner = world.Cluster.Create(A.ConfigMap("owner"));
        world.Cluster.Create(A.ConfigMap("blocking").OwnedBy(owner, blockOwnerDeletion: true).Finalizer("example.com/held"));
        world.Cluster.Create(A.ConfigMap("other").OwnedBy(owner).Finalizer("example.com/held"));
        world.Run(1);
        world.Cluster.Delete(Kinds.ConfigMap, "owner", "Foreground");
        world.Run(5);
        Assert.NotNull(world.Cluster.Find(Kinds.ConfigMap, "owner"));
        Assert.NotNull(world.Cluster.Get(Kinds.ConfigMap, "blocking").Meta.DeletionTimestamp);
        Assert.NotNull(world.Cluster.Get(Kinds.ConfigMap, "other").Meta.DeletionTimestamp);

        world.Cluster.Patch(Kinds.ConfigMap, "blocking", """{"metadata":{"finalizers":null}}""");
        world.Run(5);
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "owner"));
        Assert.NotNull(world.Cluster.Find(Kinds.ConfigMap, "other"));
    }

    [Fact]
    public void Orphans_lose_the_reference_and_stay()
    {
        using var world = new World();
        var owner = world.Cluster.Create(A.ConfigMap("owner"));
        var second = world.Cluster.Create(A.ConfigMap("second"));
        world.Cluster.Create(A.ConfigMap("child").OwnedBy(owner).OwnedBy(second));
        world.Run(1);
        world.Cluster.Delete(Kinds.ConfigMap, "owner", "Orphan");
        world.Run(5);
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "owner"));
        Assert.Equal("second", Assert.Single(world.Cluster.Get(Kinds.ConfigMap, "child").Meta.OwnerReferences).Name);
    }

    [Fact]
    public void An_object_with_one_owner_left_stays_and_forgets_the_other()
    {
        using var world = new World();
        var owner = world.Cluster.Create(A.ConfigMap("owner"));
        var second = world.Cluster.Create(A.ConfigMap("second"));
        world.Cluster.Create(A.ConfigMap("child").OwnedBy(owner).OwnedBy(second));
        world.Cluster.Delete(Kinds.ConfigMap, "owner");
        world.Run(5);
        Assert.Equal("second", Assert.Single(world.Cluster.Get(Kinds.ConfigMap, "child").Meta.OwnerReferences).Name);
    }

    [Fact]
    public void An_owner_of_the_same_name_but_another_uid_is_no_owner()
    {
        using var world = new World();
        var first = world.Cluster.Create(A.ConfigMap("owner"));
        world.Cluster.Delete(Kinds.ConfigMap, "owner");
        world.Cluster.Create(A.ConfigMap("owner"));
        world.Cluster.Create(A.ConfigMap("child").OwnedBy(first));
        world.Run(5);
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "child"));
        Assert.NotNull(world.Cluster.Find(Kinds.ConfigMap, "owner"));
    }

    [Fact]
    public void An_owner_that_the_stores_do_not_show_yet_is_asked_for_and_holds()
    {
        using var world = new World();
        world.Run(5);
        world.ControllerRequests.OnWatchEvent = (r, _) => r.Resource == "configmaps" ? new WatchFault.Delay(TimeSpan.FromSeconds(30)) : null;
        var owner = world.Cluster.Create(A.ConfigMap("owner"));
        world.Cluster.Create(A.Object(Kinds.Secret, "child").OwnedBy(owner));
        world.Run(10);
        Assert.NotNull(world.Cluster.Find(Kinds.Secret, "child"));
        Assert.True(world.ControllerRequests.Count("get", "configmaps") > 0);
    }

    [Fact]
    public void An_owner_in_another_namespace_does_not_count_and_the_reference_is_reported()
    {
        using var world = new World();
        world.Cluster.Create(A.Namespace("elsewhere"));
        var owner = world.Cluster.Create(A.ConfigMap("owner").In("elsewhere"));
        world.Cluster.Create(A.ConfigMap("child").OwnedBy(owner));
        world.Run(5);
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "child"));
        Assert.Contains("OwnerRefInvalidNamespace", world.EventReasons);
    }

    [Fact]
    public void A_cluster_scoped_object_may_be_owned_by_a_cluster_scoped_one_and_not_by_another()
    {
        using var world = new World();
        var scoped = world.Cluster.Create(A.ConfigMap("scoped"));
        var owner = world.Cluster.Create(A.Node("owner"));
        world.Cluster.Create(A.Node("child").OwnedBy(owner));
        world.Cluster.Create(A.Node("confused").OwnedBy(scoped));
        world.Cluster.Delete(Kinds.ConfigMap, "scoped");
        world.Cluster.Delete(Kinds.Node, "owner");
        world.Run(5);
        Assert.Null(world.Cluster.Find(Kinds.Node, "child"));
        Assert.NotNull(world.Cluster.Find(Kinds.Node, "confused"));
    }

    [Fact]
    public void Custom_objects_are_collected_as_soon_as_their_kind_is_served()
    {
        using var world = new World();
        world.Cluster.Create(ThingDefinition());
        world.Run(5);
        var owner = world.Cluster.Create(A.Object(Thing, "owner"));
        world.Cluster.Create(A.Pod("pod").OwnedBy(owner));
        var parent = world.Cluster.Create(A.ConfigMap("parent"));
        world.Cluster.Create(A.Object(Thing, "child").OwnedBy(parent));
        world.Run(5);
        world.Cluster.Delete(Thing, "owner");
        world.Cluster.Delete(Kinds.ConfigMap, "parent");
        world.Run(40);
        Assert.Empty(world.Pods);
        Assert.Null(world.Cluster.Find(Thing, "child"));
    }

    [Theory]
    [InlineData("customresourcedefinitions")]
    [InlineData("things")]
    public void What_an_owner_leaves_is_collected_though_it_went_before_it_could_be_seen(string unseen)
    {
        using var world = new World();
        world.Run(1);
        var isHidden = true;
        world.ControllerRequests.OnRequest = r => isHidden && r.Resource == unseen && r.Verb == "list" ? Fault.Unavailable() : null;
        world.ControllerRequests.OnWatchEvent = (r, _) => isHidden && r.Resource == unseen ? new WatchFault.Delay(TimeSpan.FromSeconds(20)) : null;
        world.Cluster.Create(ThingDefinition());
        var owner = world.Cluster.Create(A.Object(Thing, "owner"));
        world.Cluster.Create(A.ConfigMap("child").OwnedBy(owner));
        world.Run(10);
        Assert.NotNull(world.Cluster.Find(Kinds.ConfigMap, "child"));
        world.Cluster.Delete(Thing, "owner");
        isHidden = false;
        world.Run(60);
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "child"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_tree_is_collected_whatever_requests_fail(int seed)
    {
        using var world = new World(seed);
        var chance = new Random(seed);
        world.ControllerRequests.OnRequest = r => chance.Next(4) switch { 0 when r.IsWrite => Fault.Conflict(), 1 => Fault.Unavailable(), 2 when r.IsWrite => Fault.TimeoutAfterLanding(), _ => null };
        var owner = world.Cluster.Create(A.ConfigMap("owner"));
        for (var i = 0; i < 5; i++)
        {
            var child = world.Cluster.Create(A.ConfigMap($"child-{i}").OwnedBy(owner, blockOwnerDeletion: true));
            world.Cluster.Create(A.Object(Kinds.Secret, $"grandchild-{i}").OwnedBy(child, blockOwnerDeletion: true));
        }

        world.Run(10);
        world.Cluster.Delete(Kinds.ConfigMap, "owner", "Foreground");
        world.Run(600);
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "owner"));
        Assert.DoesNotContain(world.Cluster.List(Kinds.Secret), s => s.Meta.Name.StartsWith("grandchild", StringComparison.Ordinal));
    }

    [Fact]
    public void A_kind_that_cannot_be_listed_holds_the_others_up_for_half_a_minute_and_no_longer()
    {
        using var world = new World();
        world.ControllerRequests.OnRequest = r => r.Resource == "secrets" ? Fault.InternalError() : null;
        var owner = world.Cluster.Create(A.ConfigMap("owner"));
        world.Cluster.Create(A.ConfigMap("child").OwnedBy(owner));
        world.Run(5);
        world.Cluster.Delete(Kinds.ConfigMap, "owner");
        world.Run(10);
        Assert.NotNull(world.Cluster.Find(Kinds.ConfigMap, "child"));
        world.Run(60);
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "child"));
    }

    private static readonly ResourceKind Thing = new("example.com", "v1", "Thing", "things");

    private static ObjectBuilder ThingDefinition() => A.Object(Kinds.CustomResourceDefinition, "things.example.com").With("spec", """
        {"group":"example.com","scope":"Namespaced","names":{"kind":"Thing","plural":"things","singular":"thing","listKind":"ThingList"},
         "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}
        """);
}
