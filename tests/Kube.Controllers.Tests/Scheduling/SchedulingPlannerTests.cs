using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

public sealed class SchedulingPlannerTests
{
    private readonly Random _random = new(1);

    [Fact]
    public void A_pod_goes_to_the_emptiest_node_that_will_do()
    {
        var busy = new NodeState(A.Node("busy"));
        busy.Take(Demand(A.Pod("big").Uid("big").Requests(("cpu", "6"))));
        var free = new NodeState(A.Node("free"));
        Assert.Equal("free", Name(SchedulingPlanner.Place(Demand(A.Pod("x").Requests(("cpu", "2"))), [busy, free], _random)));
    }

    [Fact]
    public void What_a_node_has_is_what_its_pods_have_not_taken()
    {
        var node = new NodeState(A.Node("n", cpu: "4"));
        node.Take(Demand(A.Pod("a").Uid("a").Requests(("cpu", "3"))));
        Assert.Equal("0/1 nodes are available: 1 Insufficient cpu.", Why(Demand(A.Pod("b").Requests(("cpu", "1500m"))), node));
        node.Release("a");
        Assert.Equal("n", Name(SchedulingPlanner.Place(Demand(A.Pod("b").Requests(("cpu", "1500m"))), [node], _random)));
    }

    [Fact]
    public void Every_node_says_why_it_will_not_do_and_equal_reasons_are_counted()
    {
        var tainted = A.Node("t");
        tainted.With("spec.taints", """[{"key":"gpu","value":"yes","effect":"NoSchedule"}]""");
        var why = Why(Demand(A.Pod("x").Requests(("cpu", "9"), ("memory", "20Gi"))), new NodeState(A.Node("a")), new NodeState(A.Node("b")), new NodeState(tainted));
        Assert.Equal("0/3 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, 2 Insufficient cpu, 2 Insufficient memory.", why);
    }

    [Fact]
    public void Extended_resources_and_the_number_of_pods_are_limits_too()
    {
        var node = new NodeState(A.Node("n", pods: "1"));
        node.Take(Demand(A.Pod("a").Uid("a")));
        Assert.Equal("0/1 nodes are available: 1 Insufficient nvidia.com/gpu, 1 Too many pods.", Why(Demand(A.Pod("b").Requests(("nvidia.com/gpu", "1"))), node));
    }

    [Fact]
    public void Tolerated_taints_and_matching_selectors_let_a_pod_in()
    {
        var node = A.Node("n").Label("zone", "a");
        node.With("spec.taints", """[{"key":"gpu","value":"yes","effect":"NoSchedule"}]""");
        var pod = A.Pod("x").With("spec.nodeSelector", """{"zone":"a"}""").With("spec.tolerations", """[{"key":"gpu","operator":"Exists"}]""");
        Assert.Equal("n", Name(SchedulingPlanner.Place(Demand(pod), [new NodeState(node)], _random)));
    }

    [Theory]
    [InlineData("""[{"key":"cores","operator":"Gt","values":["4"]}]""", true)]
    [InlineData("""[{"key":"cores","operator":"Lt","values":["4"]}]""", false)]
    [InlineData("""[{"key":"zone","operator":"NotIn","values":["a","b"]}]""", true)]
    [InlineData("""[{"key":"zone","operator":"Exists"}]""", false)]
    public void Required_node_affinity_decides(string expressions, bool fits)
    {
        var pod = A.Pod("x").With("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution", $$"""{"nodeSelectorTerms":[{"matchExpressions":{{expressions}}}]}""");
        var node = new NodeState(A.Node("n").Label("cores", "8"));
        if (fits) Assert.Equal("n", Name(SchedulingPlanner.Place(Demand(pod), [node], _random)));
        else Assert.Equal("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", Why(Demand(pod), node));
    }

    [Fact]
    public void A_cordoned_node_takes_nothing_new() =>
        Assert.Equal("0/1 nodes are available: 1 node(s) were unschedulable.", Why(Demand(A.Pod("x")), new NodeState(A.Node("n").With("spec.unschedulable", "true"))));

    [Fact]
    public void Init_containers_count_by_their_largest_and_beside_their_sidecars()
    {
        var pod = A.Pod("x").Requests(("cpu", "2")).With("spec.initContainers", """
            [{"name":"side","image":"i","restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},
             {"name":"big","image":"i","resources":{"requests":{"cpu":"5"}}}]
            """);
        Assert.Equal(Quantity.Parse("6"), Demand(pod).Requests["cpu"]);
    }

    [Fact]
    public void Without_nodes_there_is_nowhere_to_go() => Assert.Equal("no nodes available to schedule pods", Why(Demand(A.Pod("x"))));

    private static PodDemand Demand(KubeObject pod) => new(new PodView(pod));
    private static PodDemand Demand(ObjectBuilder pod) => Demand(pod.Build());
    private static string Name(Placement placement) => Assert.IsType<Placement.OnNode>(placement).Node.Node.Meta.Name;
    private string Why(PodDemand pod, params NodeState[] nodes) => Assert.IsType<Placement.Nowhere>(SchedulingPlanner.Place(pod, nodes, _random)).Message;
}
