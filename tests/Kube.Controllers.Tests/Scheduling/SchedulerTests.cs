using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class SchedulerTests
{
    [Fact]
    public void Pods_fill_the_nodes_and_the_rest_waits_with_a_reason()
    {
        using var world = new World(nodes: 2, cpu: "4");
        for (var i = 0; i < 5; i++) world.Cluster.Create(A.Pod($"p{i}").Requests(("cpu", "2")));
        world.Run(5);
        Assert.Equal([2, 2], world.Pods.Where(p => p.NodeName.Length > 0).GroupBy(p => p.NodeName).Select(g => g.Count()));
        var left = Assert.Single(world.Pods, p => p.NodeName.Length == 0);
        var condition = left.Status.Items("conditions").Single(c => c.Text("type") == "PodScheduled");
        Assert.Equal(("False", "Unschedulable", "0/2 nodes are available: 2 Insufficient cpu."), (condition.Text("status"), condition.Text("reason"), condition.Text("message")));
        Assert.Contains("FailedScheduling", world.EventReasons);
    }

    [Fact]
    public void Room_that_appears_is_used_at_once()
    {
        using var world = new World(cpu: "4");
        world.Cluster.Create(A.Pod("first").Requests(("cpu", "4")));
        world.Run(1);
        world.Cluster.Create(A.Pod("second").Requests(("cpu", "4")));
        world.Run(1);
        Assert.Equal("", new PodView(world.Cluster.Get(Kinds.Pod, "second")).NodeName);
        world.Cluster.Delete(Kinds.Pod, "first");
        world.Run(1);
        Assert.Equal("node0", new PodView(world.Cluster.Get(Kinds.Pod, "second")).NodeName);
    }

    [Fact]
    public void A_node_that_joins_takes_those_who_waited()
    {
        using var world = new World(cpu: "1");
        world.Cluster.Create(A.Pod("big").Requests(("cpu", "6")));
        world.Run(1);
        world.Cluster.CreateWithStatus(A.Node("late"));
        world.Run(1);
        Assert.Equal("late", new PodView(world.Cluster.Get(Kinds.Pod, "big")).NodeName);
    }

    [Fact]
    public void Gates_hold_a_pod_until_the_last_is_gone()
    {
        using var world = new World();
        world.Cluster.Create(A.Pod("gated").With("spec.schedulingGates", """[{"name":"example.com/wait"}]"""));
        world.Run(1);
        var pod = new PodView(world.Cluster.Get(Kinds.Pod, "gated"));
        Assert.Equal(("", "SchedulingGated"), (pod.NodeName, pod.Status.Items("conditions").Single().Text("reason")));
        world.Cluster.Patch(Kinds.Pod, "gated", """{"spec":{"schedulingGates":null}}""");
        world.Run(1);
        Assert.Equal("node0", new PodView(world.Cluster.Get(Kinds.Pod, "gated")).NodeName);
    }

    [Fact]
    public void Pods_of_another_scheduler_are_left_alone()
    {
        using var world = new World();
        world.Cluster.Create(A.Pod("theirs").With("spec.schedulerName", "\"volcano\""));
        world.Run(5);
        var pod = new PodView(world.Cluster.Get(Kinds.Pod, "theirs"));
        Assert.Equal(("", 0), (pod.NodeName, pod.Status.Items("conditions").Count()));
    }

    [Fact]
    public void Late_events_never_overcommit_a_node()
    {
        using var world = new World(nodes: 2, cpu: "4");
        world.ControllerRequests.OnWatchEvent = (r, _) => r.Resource == "pods" ? new WatchFault.Delay(TimeSpan.FromSeconds(3)) : null;
        for (var i = 0; i < 12; i++) world.Cluster.Create(A.Pod($"p{i}").Requests(("cpu", "1")));
        world.Run(60);
        Assert.Equal([4, 4], world.Pods.Where(p => p.NodeName.Length > 0).GroupBy(p => p.NodeName).Select(g => g.Count()));
    }
}
