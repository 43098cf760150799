using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class NodeLifecycleTests
{
    [Fact]
    public void A_virtual_node_with_a_heartbeat_is_ready_as_long_as_it_beats_and_again_when_it_goes_on()
    {
        using var world = new World(nodes: 1);
        var (client, requests) = world.Cluster.Connect("beating");
        var nodes = new VirtualNodes(client, new VirtualNodeOptions([new VirtualNodeSpec("beating")]) { Heartbeat = TimeSpan.FromSeconds(10) }, static _ => PodScript.RunsForever, world.Cluster.Clock, world.Cluster.NewRandom());
        world.Stepper.Add(nodes.Loops);
        world.Run(600);
        Assert.Equal("True", Ready());
        var lease = world.Cluster.Get(Kinds.Lease, "beating", "kube-node-lease");
        Assert.Equal(("beating", 40L), (lease.Root.Text("spec", "holderIdentity"), lease.Root.Integer("spec", "leaseDurationSeconds")));
        Assert.InRange(world.Cluster.Clock.GetUtcNow() - lease.Root.Time("spec", "renewTime")!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.InRange(requests.Count("patch", "nodes/status"), 2, 4);

        requests.OnRequest = static r => r.IsWrite ? Fault.Unreachable() : null;
        world.Run(120);
        Assert.Equal("Unknown", Ready());
        requests.OnRequest = null;
        world.Run(60);
        Assert.Equal("True", Ready());
        Assert.Empty(world.Cluster.Get(Kinds.Node, "beating").Root.Items("spec", "taints"));

        // Deleted, it does not come back.
        world.Cluster.Delete(Kinds.Node, "beating");
        world.Run(900);
        Assert.Null(world.Cluster.Find(Kinds.Node, "beating"));
        Assert.Null(world.Cluster.Find(Kinds.Lease, "beating", "kube-node-lease"));

        string? Ready() => Conditions.Find(world.Cluster.Get(Kinds.Node, "beating").Root.At("status"), "Ready")?.Status;
    }

    [Fact]
    public void A_silent_node_is_unknown_keeps_pods_away_and_loses_its_own_after_what_they_tolerate()
    {
        using var world = new World(nodes: 2);
        world.Cluster.Create(Heartbeat(world, "node0"));
        world.Run(1);
        world.Cluster.Patch(Kinds.Node, "node1", """{"spec":{"unschedulable":true}}""");
        world.Run(1);
        world.Cluster.Create(A.Workload(Kinds.Deployment, "d", 1).With("spec.template.spec.tolerations", """
            [{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":60},
             {"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":60}]
            """));
        world.Run(10);
        var lost = Assert.Single(world.LivePods);
        Assert.Equal("node0", lost.NodeName);
        world.Cluster.Patch(Kinds.Node, "node1", """{"spec":{"unschedulable":null}}""");
        world.Run(60);
        var node = world.Cluster.Get(Kinds.Node, "node0");
        Assert.Equal(("Unknown", "NodeStatusUnknown"), (Conditions.Find(node.Root.At("status"), "Ready")?.Status, Conditions.Find(node.Root.At("status"), "Ready")?.Reason));
        Assert.Equal(["NoExecute", "NoSchedule"], node.Root.Items("spec", "taints").Where(t => t.Text("key") == "node.kubernetes.io/unreachable").Select(t => t.Text("effect")).Order());
        Assert.False(new PodView(world.Cluster.Get(Kinds.Pod, lost.Meta.Name)).IsTerminating);
        world.Run(70);
        Assert.Contains("TaintManagerEviction", world.EventReasons);
        Assert.Equal("node1", Assert.Single(world.LivePods, p => !p.IsTerminating).NodeName);
    }

    [Fact]
    public void A_node_that_is_heard_again_is_free_of_our_taints()
    {
        using var world = new World();
        world.Cluster.Create(Heartbeat(world, "node0"));
        world.Run(60);
        Assert.NotEmpty(world.Cluster.Get(Kinds.Node, "node0").Root.Items("spec", "taints"));
        world.Cluster.Patch(Kinds.Lease, "node0", $$"""{"spec":{"renewTime":"{{KubeTime.FormatMicro(world.Cluster.Clock.GetUtcNow())}}"} }""", ns: "kube-node-lease");
        world.Cluster.Patch(Kinds.Node, "node0", """{"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}]}}""", "status");
        world.Run(1);
        Assert.Empty(world.Cluster.Get(Kinds.Node, "node0").Root.Items("spec", "taints"));
    }

    [Fact]
    public void A_taint_throws_out_at_once_what_does_not_tolerate_it_and_leaves_what_does()
    {
        using var world = new World();
        world.Cluster.Create(A.Pod("stays").With("spec.tolerations", """[{"key":"maintenance","operator":"Exists"}]"""));
        world.Cluster.Create(A.Pod("goes"));
        world.Run(5);
        world.Cluster.Patch(Kinds.Node, "node0", """{"spec":{"taints":[{"key":"maintenance","effect":"NoExecute"}]}}""");
        world.Run(5);
        Assert.Equal("stays", Assert.Single(world.Pods).Meta.Name);
    }

    [Fact]
    public void A_cordoned_node_carries_the_taint_that_says_so()
    {
        using var world = new World();
        world.Run(1);
        world.Cluster.Patch(Kinds.Node, "node0", """{"spec":{"unschedulable":true}}""");
        world.Run(1);
        Assert.Equal("node.kubernetes.io/unschedulable", Assert.Single(world.Cluster.Get(Kinds.Node, "node0").Root.Items("spec", "taints")).Text("key"));
        world.Cluster.Patch(Kinds.Node, "node0", """{"spec":{"unschedulable":null}}""");
        world.Run(1);
        Assert.Empty(world.Cluster.Get(Kinds.Node, "node0").Root.Items("spec", "taints"));
    }

    private static ObjectBuilder Heartbeat(World world, string node) => A.Object(Kinds.Lease, node).In("kube-node-lease")
        .With("spec.holderIdentity", System.Text.Json.Nodes.JsonValue.Create(node)).With("spec.renewTime", System.Text.Json.Nodes.JsonValue.Create(KubeTime.FormatMicro(world.Cluster.Clock.GetUtcNow())));
}
