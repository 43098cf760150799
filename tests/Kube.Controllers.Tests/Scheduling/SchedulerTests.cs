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
        Assert.Equal(("False", "Unschedulable", "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."), (condition.Text("status"), condition.Text("reason"), condition.Text("message")));
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
        world.Cluster.Create(A.Pod("theirs").With("spec.schedulerName", "\"example.com/other\""));
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

    [Fact]
    public void Important_pods_go_first()
    {
        using var world = new World(cpu: "1");
        world.Cluster.Create(A.Pod("first").Requests(("cpu", "1")));
        world.Run(1);
        foreach (var (name, priority) in new[] { ("low", 1), ("high", 9), ("middle", 5) })
        {
            world.Cluster.Create(A.Object(Kinds.PriorityClass, name).With("value", System.Text.Json.Nodes.JsonValue.Create(priority)).With("preemptionPolicy", "\"Never\""));
            world.Cluster.Create(A.Pod(name).Requests(("cpu", "1")).With("spec.priorityClassName", System.Text.Json.Nodes.JsonValue.Create(name)));
        }

        world.Run(1);
        foreach (var gone in new[] { "first", "high", "middle" })
        {
            Assert.Equal(gone, Assert.Single(world.Pods, p => p.NodeName.Length > 0).Meta.Name);
            world.Cluster.Delete(Kinds.Pod, gone, grace: TimeSpan.Zero);
            world.Run(1);
        }

        Assert.Equal("low", Assert.Single(world.Pods).Meta.Name);
    }

    [Fact]
    public void An_important_pod_pushes_another_out_and_waits_for_its_end()
    {
        using var world = new World(cpu: "4") { Script = _ => new Kube.Nodes.Virtual.PodScript { StopTime = TimeSpan.FromSeconds(10) } };
        world.Cluster.Create(A.Pod("victim").Requests(("cpu", "4")));
        world.Run(1);
        world.Cluster.Create(A.Object(Kinds.PriorityClass, "high").With("value", "100"));
        var important = world.Cluster.Create(A.Pod("important").Requests(("cpu", "4")).With("spec.priorityClassName", "\"high\""));
        world.Run(1);
        var waiting = new PodView(world.Cluster.Get(Kinds.Pod, "important"));
        Assert.Equal(("", "node0"), (waiting.NodeName, waiting.Status.Text("nominatedNodeName")));
        var victim = new PodView(world.Cluster.Get(Kinds.Pod, "victim"));
        var disruption = Conditions.Find(victim.Status, "DisruptionTarget")!;
        Assert.Equal((true, "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"), (victim.IsTerminating, disruption.Reason, disruption.Message));
        var told = world.Cluster.List(Kinds.Event).Single(e => e.Root.Text("reason") == "Preempted");
        Assert.Equal($"Preempted by pod {important.Meta.Uid} on node node0", told.Root.Text("message"));

        // The room that is being cleared is nobody else's.
        world.Cluster.Create(A.Pod("opportunist").Requests(("cpu", "1")));
        world.Run(15);
        Assert.Equal("node0", new PodView(world.Cluster.Get(Kinds.Pod, "important")).NodeName);
        Assert.Equal("", new PodView(world.Cluster.Get(Kinds.Pod, "opportunist")).NodeName);
    }

    [Fact]
    public void A_pod_waits_for_its_claim()
    {
        using var world = new World();
        world.Cluster.Create(A.Pod("p").With("spec.volumes", """[{"name":"data","persistentVolumeClaim":{"claimName":"data"}}]"""));
        world.Run(1);
        var pod = new PodView(world.Cluster.Get(Kinds.Pod, "p"));
        Assert.StartsWith("0/1 nodes are available: persistentvolumeclaim \"data\" not found.", Conditions.Find(pod.Status, "PodScheduled")!.Message, StringComparison.Ordinal);
        world.Cluster.Create(A.Object(Kinds.PersistentVolumeClaim, "data").With("spec", """{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}"""));
        world.Run(1);
        Assert.Equal("node0", new PodView(world.Cluster.Get(Kinds.Pod, "p")).NodeName);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Lost_answers_bind_every_pod_once_and_overcommit_nothing(int seed)
    {
        using var world = new World(seed, nodes: 2, cpu: "4");
        var chance = new Random(seed);
        world.ControllerRequests.OnRequest = r => r.IsWrite ? chance.Next(3) switch { 0 => Fault.TimeoutAfterLanding(), 1 => Fault.Unreachable(), _ => null } : null;
        for (var i = 0; i < 12; i++) world.Cluster.Create(A.Pod($"p{i}").Requests(("cpu", "1")));
        world.Run(300);
        Assert.Equal([4, 4], world.Pods.Where(p => p.NodeName.Length > 0).GroupBy(p => p.NodeName).Select(g => g.Count()));
    }
}
