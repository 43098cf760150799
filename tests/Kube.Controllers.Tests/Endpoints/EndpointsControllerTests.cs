using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class EndpointsControllerTests
{
    [Fact]
    public void Endpoints_follow_the_pods_and_go_with_the_service()
    {
        using var world = new World { Script = _ => new PodScript { ReadyDelay = TimeSpan.FromSeconds(10) } };
        world.Cluster.Create(A.Service("s", ("app", "x")).Port(80));
        world.Cluster.Create(A.Pod("p").Label("app", "x"));
        world.Cluster.Create(A.Pod("other").Label("app", "y"));
        world.Run(5);
        Assert.Equal([0, 1], Counts(world));
        world.Run(10);
        Assert.Equal([1, 0], Counts(world));
        var slice = Assert.Single(world.Cluster.List(Kinds.EndpointSlice), s => s.Meta.Labels.GetValueOrDefault("kubernetes.io/service-name") == "s");
        Assert.True(slice.Root.Items("endpoints").Single().Flag("conditions", "ready"));

        world.Cluster.Delete(Kinds.Pod, "p", grace: TimeSpan.Zero);
        world.Run(1);
        Assert.Equal([0, 0], Counts(world));

        world.Cluster.Delete(Kinds.Service, "s");
        world.Run(1);
        Assert.Null(world.Cluster.Find(Kinds.Endpoints, "s"));
        Assert.DoesNotContain(world.Cluster.List(Kinds.EndpointSlice), s => s.Meta.Labels.GetValueOrDefault("kubernetes.io/service-name") == "s");
    }

    [Fact]
    public void What_somebody_else_writes_for_a_service_without_selector_stays()
    {
        using var world = new World();
        world.Cluster.Create(A.Object(Kinds.Service, "s").With("spec.clusterIP", "\"None\""));
        world.Cluster.Create(A.Object(Kinds.Endpoints, "s").With("subsets", """[{"addresses":[{"ip":"192.0.2.1"}],"ports":[{"port":80,"protocol":"TCP"}]}]"""));
        world.Run(5);
        Assert.Equal([1, 0], Counts(world));
    }

    [Fact]
    public void Each_service_has_the_pods_that_it_selects_now_whatever_is_edited_and_whichever_came_first()
    {
        using var world = new World { Script = static _ => new PodScript() };
        world.Cluster.Create(A.Service("early", ("app", "x")).Port(80));
        foreach (var (name, app, tier) in new[] { ("p0", "x", "a"), ("p1", "x", "b"), ("p2", "y", "a") })
        {
            world.Cluster.Create(A.Pod(name).Label("app", app).Label("tier", tier));
        }

        world.Cluster.Create(A.Service("late", ("tier", "a"), ("app", "x")).Port(80));
        world.Cluster.Create(A.Service("same", ("app", "x")).Port(80));
        world.Run(5);
        Assert.Equal(["p0", "p1"], PodsOf("early"));
        Assert.Equal(["p0"], PodsOf("late"));
        Assert.Equal(["p0", "p1"], PodsOf("same"));

        world.Cluster.Patch(Kinds.Pod, "p2", """{"metadata":{"labels":{"app":"x"}}}""");
        world.Cluster.Patch(Kinds.Pod, "p1", """{"metadata":{"labels":{"app":null}}}""");
        world.Run(5);
        Assert.Equal(["p0", "p2"], PodsOf("early"));
        Assert.Equal(["p0", "p2"], PodsOf("late"));

        world.Cluster.Patch(Kinds.Service, "early", """{"spec":{"selector":{"app":null,"tier":"b"}}}""");
        world.Cluster.Patch(Kinds.Service, "late", """{"spec":{"selector":{"app":"y"}}}""");
        world.Run(5);
        Assert.Equal(["p1"], PodsOf("early"));
        Assert.Empty(PodsOf("late"));
        Assert.Equal(["p0", "p2"], PodsOf("same"));

        IEnumerable<string> PodsOf(string service) =>
            world.Cluster.Get(Kinds.Endpoints, service).Root.Items("subsets").SelectMany(static s => s.Items("addresses")).Select(static a => a.Text("targetRef", "name")!);
    }

    [Fact]
    public void At_rest_nothing_is_written()
    {
        using var world = new World();
        world.Cluster.Create(A.Service("s", ("app", "x")).Port(80, "web"));
        world.Cluster.Create(A.Pod("p").Label("app", "x"));
        world.Run(10);
        var writes = world.ControllerRequests.Writes;
        world.Run(3600);
        Assert.Equal(writes, world.ControllerRequests.Writes);
    }

    private static int[] Counts(World world)
    {
        var endpoints = world.Cluster.Get(Kinds.Endpoints, "s");
        return [endpoints.Root.Items("subsets").Sum(s => s.Items("addresses").Count()), endpoints.Root.Items("subsets").Sum(s => s.Items("notReadyAddresses").Count())];
    }
}
