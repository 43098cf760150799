using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Nodes.Tests;

public sealed class VirtualNodesTests : IDisposable
{
    private readonly TestCluster _cluster = new();
    private PodScript _script = PodScript.RunsForever;

    public VirtualNodesTests()
    {
        var options = new VirtualNodeOptions([new VirtualNodeSpec("n") { Taints = [("only", "tests", "NoSchedule")] }]);
        _cluster.Stepper.Add(new VirtualNodes(_cluster.Client, options, _ => _script, _cluster.Clock, _cluster.NewRandom()).Loops);
    }

    [Fact]
    public void A_node_registers_with_what_it_has()
    {
        Run(1);
        var node = _cluster.Get(Kinds.Node, "n");
        Assert.Equal(("64", "True", "only", "n"), (
            node.Root.Text("status", "allocatable", "cpu"),
            node.Root.Items("status", "conditions").Single(c => c.Text("type") == "Ready").Text("status"),
            node.Root.Items("spec", "taints").Single().Text("key"),
            node.Meta.Labels["kubernetes.io/hostname"]));
    }

    [Fact]
    public void A_pod_starts_gets_ready_and_ends_when_its_script_says_so()
    {
        _script = new PodScript { StartDelay = TimeSpan.FromSeconds(5), ReadyDelay = TimeSpan.FromSeconds(3), Runs = [new ContainerRun(TimeSpan.FromSeconds(20), 7) { Message = "what went wrong" }] };
        _cluster.Create(A.Pod("p").OnNode("n").RestartPolicy("Never"));
        Run(4);
        Assert.Equal(("Pending", "ContainerCreating", null), (Pod.Phase, Container.Text("state", "waiting", "reason"), Pod.Status.Text("podIP")));
        Run(2);
        Assert.Equal(("Running", false), (Pod.Phase, Pod.IsReady));
        Assert.StartsWith("10.244.", Pod.Status.Text("podIP"), StringComparison.Ordinal);
        Run(3);
        Assert.True(Pod.IsReady);
        Run(20);
        var ended = Container.At("state", "terminated");
        Assert.Equal(("Failed", false, 7L, "Error", "what went wrong"), (Pod.Phase, Pod.IsReady, ended.Integer("exitCode"), ended.Text("reason"), ended.Text("message")));
        Assert.Equal(TimeSpan.FromSeconds(20), ended.Time("finishedAt") - ended.Time("startedAt"));
    }

    [Fact]
    public void Init_containers_pass_one_after_the_other()
    {
        _script = new PodScript { InitTime = TimeSpan.FromSeconds(10) };
        _cluster.Create(A.Pod("p").OnNode("n").With("spec.initContainers", """[{"name":"a","image":"i"},{"name":"b","image":"i"}]"""));
        Run(5);
        Assert.Equal(("Pending", true, true), (Pod.Phase, Init(0).Has("state", "running"), Init(1).Has("state", "waiting")));
        Run(10);
        Assert.Equal((0L, true), (Init(0).Integer("state", "terminated", "exitCode"), Init(1).Has("state", "running")));
        Run(10);
        Assert.Equal("Running", Pod.Phase);
        Assert.Equal("True", Pod.Status.Items("conditions").Single(c => c.Text("type") == "Initialized").Text("status"));
    }

    [Fact]
    public void A_pod_whose_processes_are_simulated_says_when_and_how_they_end()
    {
        var (open, ends) = (false, new Dictionary<int, ContainerRun>());
        _script = new PodScript { InitDone = () => open, InitWaits = "a", InitMessage = () => "all are there", RunEnded = number => ends.GetValueOrDefault(number) };
        _cluster.Create(A.Pod("p").OnNode("n").RestartPolicy("OnFailure").With("spec.initContainers", """[{"name":"a","image":"i"},{"name":"b","image":"i"}]"""));
        Run(60);
        Assert.Equal((true, true), (Init(0).Has("state", "running"), Init(1).Has("state", "waiting")));
        open = true;
        Run(2);
        Assert.Equal(("Running", "all are there", null), (Pod.Phase, Init(0).Text("state", "terminated", "message"), Init(1).Text("state", "terminated", "message")));
        Run(60);
        ends[0] = new ContainerRun(null, 3) { Message = "a rank was lost" };
        Run(2);
        Assert.Equal(("Running", 1L, 3L, "a rank was lost"), (Pod.Phase, Container.Integer("restartCount"), Container.Integer("lastState", "terminated", "exitCode"), Container.Text("lastState", "terminated", "message")));
        ends[1] = new ContainerRun(null);
        Run(2);
        Assert.Equal(("Succeeded", 0L), (Pod.Phase, Container.Integer("state", "terminated", "exitCode")));
    }

    [Fact]
    public void Containers_that_fail_are_restarted_with_growing_waits_where_the_policy_says_so()
    {
        _script = new PodScript { Runs = [new ContainerRun(TimeSpan.FromSeconds(1), 1), new ContainerRun(TimeSpan.FromSeconds(1), 1), new ContainerRun(TimeSpan.FromSeconds(1))] };
        _cluster.Create(A.Pod("p").OnNode("n").RestartPolicy("OnFailure"));
        Run(5);
        Assert.Equal(("CrashLoopBackOff", 1L, 1L), (Container.Text("state", "waiting", "reason"), Container.Integer("restartCount"), Container.Integer("lastState", "terminated", "exitCode")));
        Run(10);
        Assert.Equal(("Succeeded", 2L), (Pod.Phase, Container.Integer("restartCount")));
    }

    [Theory]
    [InlineData(5, 5, 143)]
    [InlineData(60, 30, 137)]
    public void A_deleted_pod_takes_its_time_to_stop_and_no_more_than_its_grace(int stopTime, int gone, int exitCode)
    {
        _script = new PodScript { StopTime = TimeSpan.FromSeconds(stopTime) };
        _cluster.Create(A.Pod("p").OnNode("n").Finalizer("example.com/held"));
        Run(1);
        _cluster.Delete(Kinds.Pod, "p");
        Run(gone - 1);
        Assert.Equal("Running", Pod.Phase);
        Run(2);
        Assert.Equal(("Failed", (long)exitCode), (Pod.Phase, Container.Integer("state", "terminated", "exitCode")));
        _cluster.Patch(Kinds.Pod, "p", """{"metadata":{"finalizers":null}}""");
        Assert.Null(_cluster.Find(Kinds.Pod, "p"));
    }

    [Fact]
    public void An_evicted_pod_says_why()
    {
        _script = new PodScript { Eviction = new PodEviction(TimeSpan.FromSeconds(10), "The node was low on resource: memory.") };
        _cluster.Create(A.Pod("p").OnNode("n"));
        Run(15);
        Assert.Equal(("Failed", "Evicted", "The node was low on resource: memory."), (Pod.Phase, Pod.Status.Text("reason"), Pod.Status.Text("message")));
        Assert.Equal("TerminationByKubelet", Pod.Status.Items("conditions").Single(c => c.Text("type") == "DisruptionTarget").Text("reason"));
    }

    [Fact]
    public void An_image_that_cannot_be_pulled_keeps_the_pod_waiting()
    {
        _script = new PodScript { StartDelay = null };
        _cluster.Create(A.Pod("p").OnNode("n"));
        Run(600);
        Assert.Equal(("Pending", "ImagePullBackOff"), (Pod.Phase, Container.Text("state", "waiting", "reason")));
    }

    [Fact]
    public void Pods_of_other_nodes_are_left_alone_and_addresses_are_each_ones_own()
    {
        _cluster.Create(A.Pod("elsewhere").OnNode("m"));
        for (var i = 0; i < 300; i++) _cluster.Create(A.Pod($"p{i}").OnNode("n"));
        Run(5);
        var addresses = _cluster.List(Kinds.Pod).Select(p => p.Root.Text("status", "podIP")).OfType<string>().ToList();
        Assert.Equal((300, 300), (addresses.Count, addresses.Distinct().Count()));
        Assert.Equal("Pending", new PodView(_cluster.Get(Kinds.Pod, "elsewhere")).Phase);
    }

    [Fact]
    public void A_running_pod_causes_no_more_requests()
    {
        _cluster.Create(A.Pod("p").OnNode("n"));
        Run(5);
        var writes = _cluster.Requests.Writes;
        Run(3600);
        Assert.Equal(writes, _cluster.Requests.Writes);
    }

    public void Dispose() => _cluster.Dispose();

    private PodView Pod => new(_cluster.Get(Kinds.Pod, "p"));
    private System.Text.Json.JsonElement Container => Pod.Status.Items("containerStatuses").Single();
    private System.Text.Json.JsonElement Init(int index) => Pod.Status.Items("initContainerStatuses").ElementAt(index);
    private void Run(double seconds) => _cluster.Stepper.RunFor(TimeSpan.FromSeconds(seconds));
}
