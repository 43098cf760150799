using System.Collections.Immutable;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class PretendedResourcesTests
{
    private readonly List<string> _said = [];

    [Fact]
    public void What_pods_ask_for_together_is_offered_and_said_once()
    {
        using var world = new World(nodes: 1);
        Add(world, ImmutableDictionary<string, Quantity>.Empty);
        world.Cluster.Create(A.Pod("a").Devices(("nvidia.com/gpu", "4")));
        world.Run(2);
        world.Cluster.Create(A.Pod("b").Devices(("nvidia.com/gpu", "2"), ("hugepages-2Mi", "64Mi")));
        world.Run(2);

        Assert.Equal(["node0", "node0"], world.Pods.Select(static p => p.NodeName));
        Assert.Equal(("6", "64Mi"), (Offered(world, "nvidia.com/gpu"), Offered(world, "hugepages-2Mi")));
        Assert.Equal(["nvidia.com/gpu=4", "hugepages-2Mi=64Mi"], _said);
    }

    [Fact]
    public void What_a_finished_pod_asked_for_is_there_for_the_next_one()
    {
        using var world = new World(nodes: 1) { Script = static _ => Kube.Nodes.Virtual.PodScript.RunsFor(TimeSpan.FromSeconds(1)) };
        Add(world, ImmutableDictionary<string, Quantity>.Empty);
        foreach (var name in new[] { "a", "b" })
        {
            world.Cluster.Create(A.Pod(name).RestartPolicy("Never").Devices(("rdma/hca", "1")));
            world.Run(5);
        }

        Assert.Equal("1", Offered(world, "rdma/hca"));
        Assert.Equal(["rdma/hca=1"], _said);
    }

    [Theory]
    [InlineData("0", "")]
    [InlineData("3", "")]
    [InlineData("4", "node0")]
    public void An_amount_that_was_set_is_what_there_is(string set, string placed)
    {
        using var world = new World(nodes: 1);
        Add(world, ImmutableDictionary<string, Quantity>.Empty.Add("nvidia.com/gpu", Quantity.Parse(set)));
        world.Cluster.Create(A.Pod("a").Devices(("nvidia.com/gpu", "4")));
        world.Run(2);

        Assert.Equal(placed, Assert.Single(world.Pods).NodeName);
        Assert.Equal(set, Offered(world, "nvidia.com/gpu"));
        Assert.Empty(_said);
    }

    private void Add(World world, ImmutableDictionary<string, Quantity> amounts) => world.Stepper.Add(new PretendedResources(
        world.Cluster.Connect("pretend").Client,
        new PretendedResourcesOptions { Node = "node0", Fixed = amounts, Report = (resource, amount) => _said.Add($"{resource}={amount}") },
        world.Cluster.Clock, world.Cluster.NewRandom()).Loops);

    private static string? Offered(World world, string resource) => world.Cluster.Get(Kinds.Node, "node0").Root.Text("status", "allocatable", resource);
}
