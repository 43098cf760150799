using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class NamespaceControllerTests
{
    [Fact]
    public void A_deleted_namespace_stays_until_its_last_pod_has_stopped()
    {
        using var world = new World { Script = _ => new PodScript { StopTime = TimeSpan.FromSeconds(20) } };
        world.Cluster.Create(A.Namespace("team"));
        world.Cluster.Create(A.Pod("p").In("team"));
        world.Cluster.Create(A.ConfigMap("c").In("team"));
        world.Cluster.Create(A.ConfigMap("kept"));
        world.Run(5);
        world.Cluster.Delete(Kinds.Namespace, "team");
        world.Run(10);
        Assert.NotNull(world.Cluster.Find(Kinds.Namespace, "team"));
        Assert.Null(world.Cluster.Find(Kinds.ConfigMap, "c", "team"));
        world.Run(15);
        Assert.Null(world.Cluster.Find(Kinds.Namespace, "team"));
        Assert.Null(world.Cluster.Find(Kinds.Pod, "p", "team"));
        Assert.NotNull(world.Cluster.Find(Kinds.ConfigMap, "kept"));
    }
}
