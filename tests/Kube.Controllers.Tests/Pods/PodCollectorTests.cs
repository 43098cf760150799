using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class PodCollectorTests
{
    [Fact]
    public void Pods_of_a_node_that_is_gone_fail_after_a_while_and_are_replaced()
    {
        using var world = new World(nodes: 2);
        world.Cluster.Create(A.Job("j"));
        world.Run(5);
        var lost = Assert.Single(world.LivePods);
        world.Cluster.Delete(Kinds.Node, lost.NodeName);
        world.Run(30);
        Assert.Equal(lost.Meta.Uid, Assert.Single(world.LivePods).Meta.Uid);
        world.Run(60);
        var replacement = Assert.Single(world.LivePods);
        Assert.NotEqual(lost.NodeName, replacement.NodeName);
        Assert.Equal(1, world.Job("j").Status.Failed);
    }

    [Fact]
    public void A_pod_that_was_never_bound_and_is_held_by_a_finalizer_counts_as_failed()
    {
        using var world = new World(cpu: "1");
        world.Cluster.Create(A.Pod("big").Requests(("cpu", "4")).Finalizer("example.com/held"));
        world.Run(1);
        world.Cluster.Delete(Kinds.Pod, "big");
        world.Run(1);
        Assert.Equal("Failed", Assert.Single(world.Pods).Phase);
    }
}
