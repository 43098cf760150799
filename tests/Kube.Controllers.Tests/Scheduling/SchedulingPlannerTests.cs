using System.Collections.Immutable;
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
        Assert.Equal("free", Name(SchedulingPlanner.Place(Demand(A.Pod("x").Requests(("cpu", "2"))), SchedulingView.Of(busy, free), _random)));
    }

    [Fact]
    public void What_a_node_has_is_what_its_pods_have_not_taken()
    {
        var node = new NodeState(A.Node("n", cpu: "4"));
        node.Take(Demand(A.Pod("a").Uid("a").Requests(("cpu", "3"))));
        Assert.Equal("0/1 nodes are available: 1 Insufficient cpu.", Why(Demand(A.Pod("b").Requests(("cpu", "1500m"))), node));
        node.Release("a");
        Assert.Equal("n", Name(SchedulingPlanner.Place(Demand(A.Pod("b").Requests(("cpu", "1500m"))), SchedulingView.Of(node), _random)));
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
        Assert.Equal("n", Name(SchedulingPlanner.Place(Demand(pod), SchedulingView.Of(new NodeState(node)), _random)));
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
        if (fits) Assert.Equal("n", Name(SchedulingPlanner.Place(Demand(pod), SchedulingView.Of(node), _random)));
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
        Assert.Equal(6000, Demand(pod).Requests["cpu"]);
    }

    [Fact]
    public void Pods_are_kept_from_those_they_do_not_want_near_and_from_those_who_do_not_want_them()
    {
        var (a, b) = (Zoned("a"), Zoned("b"));
        a.Take(Demand(A.Pod("loner").Uid("loner").Label("app", "x").With("spec.affinity.podAntiAffinity", Terms("app", "y"))));
        Assert.Equal("b", Name(SchedulingPlanner.Place(Demand(A.Pod("p").Label("app", "y")), SchedulingView.Of(a, b), _random)));
        Assert.Equal("b", Name(SchedulingPlanner.Place(Demand(A.Pod("p").With("spec.affinity.podAntiAffinity", Terms("app", "x"))), SchedulingView.Of(a, b), _random)));
        Assert.Equal("0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.", Why(Demand(A.Pod("p").Label("app", "y")), a));
        Assert.Equal("0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.", Why(Demand(A.Pod("p").With("spec.affinity.podAntiAffinity", Terms("app", "x"))), a));
    }

    [Fact]
    public void Pods_go_where_those_are_they_want_near_and_the_first_of_a_group_goes_anywhere()
    {
        var (a, b) = (Zoned("a"), Zoned("b"));
        var together = A.Pod("p").Label("app", "x").With("spec.affinity.podAffinity", Terms("app", "x"));
        Assert.NotNull(Name(SchedulingPlanner.Place(Demand(together), SchedulingView.Of(a, b), _random)));
        b.Take(Demand(A.Pod("there").Uid("there").Label("app", "x")));
        Assert.Equal("b", Name(SchedulingPlanner.Place(Demand(together), SchedulingView.Of(a, b), _random)));
        Assert.Equal("0/1 nodes are available: 1 node(s) didn't match pod affinity rules.", Why(Demand(A.Pod("p").With("spec.affinity.podAffinity", Terms("app", "nobody"))), a));
    }

    [Fact]
    public void Affinity_to_pods_of_other_namespaces_needs_their_name_or_labels()
    {
        var node = Zoned("a");
        node.Take(Demand(A.Pod("there").In("team").Uid("there").Label("app", "x")));
        var view = new SchedulingView([node], ns => new Dictionary<string, string> { ["kind"] = ns == "team" ? "mine" : "" });
        bool Fits(string more) => SchedulingPlanner.Place(
            Demand(A.Pod("p").With("spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution", $$"""[{"labelSelector":{"matchLabels":{"app":"x"} },"topologyKey":"zone"{{more}}}]""")), view, _random) is Placement.OnNode;
        Assert.Equal([false, true, true, false], new[] { Fits(""), Fits(""","namespaces":["team"]"""), Fits(""","namespaceSelector":{"matchLabels":{"kind":"mine"}}"""), Fits(""","namespaceSelector":{"matchLabels":{"kind":"other"}}""") });
    }

    [Fact]
    public void No_domain_gets_more_than_its_share_beyond_the_emptiest()
    {
        var (a, b) = (Zoned("a"), Zoned("b"));
        var pod = A.Pod("p").Label("app", "x").With("spec.topologySpreadConstraints", """[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"x"}}}]""");
        a.Take(Demand(A.Pod("one").Uid("one").Label("app", "x")));
        Assert.Equal("b", Name(SchedulingPlanner.Place(Demand(pod), SchedulingView.Of(a, b), _random)));
        b.Update(A.Node("b").Label("zone", "b").With("spec.unschedulable", "true"));
        Assert.Equal(
            "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label), 1 node(s) were unschedulable.",
            Why(Demand(pod), a, b, new NodeState(A.Node("nowhere"))));
    }

    [Fact]
    public void Preferences_decide_between_nodes_that_would_do()
    {
        var (a, b) = (Zoned("a"), Zoned("b"));
        b.Take(Demand(A.Pod("busy").Uid("busy").Requests(("cpu", "2"))));
        Assert.Equal("a", Name(SchedulingPlanner.Place(Demand(A.Pod("p")), SchedulingView.Of(a, b), _random)));
        var prefers = A.Pod("p").With("spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution", """[{"weight":10,"preference":{"matchExpressions":[{"key":"zone","operator":"In","values":["b"]}]}}]""");
        Assert.Equal("b", Name(SchedulingPlanner.Place(Demand(prefers), SchedulingView.Of(a, b), _random)));
        a.Update(A.Node("a").Label("zone", "a").With("spec.taints", """[{"key":"slow","value":"","effect":"PreferNoSchedule"}]"""));
        Assert.Equal("b", Name(SchedulingPlanner.Place(Demand(A.Pod("p")), SchedulingView.Of(a, b), _random)));
    }

    [Fact]
    public void The_fewest_and_least_important_pods_are_pushed_out()
    {
        var (a, b) = (Zoned("a", "4"), Zoned("b", "4"));
        a.Take(Demand(Ranked("a1", 5, "2")));
        a.Take(Demand(Ranked("a2", 1, "2")));
        b.Take(Demand(Ranked("b1", 3, "4")));
        var evict = Assert.IsType<Preemption.Evict>(Preempt(Demand(Ranked("p", 10, "2")), [], a, b));
        Assert.Equal(("a", "a2"), (evict.Node.Name, evict.Victims.Single().Pod.Meta.Name));
        Assert.Equal(2, a.Pods.Count);
    }

    [Fact]
    public void A_disruption_budget_is_kept_where_another_node_will_do()
    {
        var (a, b) = (Zoned("a", "4"), Zoned("b", "4"));
        a.Take(Demand(Ranked("a1", 1, "4").Label("app", "guarded")));
        b.Take(Demand(Ranked("b1", 9, "4")));
        var budget = new DisruptionBudget("default", LabelSelector.Parse("app=guarded"), 0);
        Assert.Equal("b", Assert.IsType<Preemption.Evict>(Preempt(Demand(Ranked("p", 10, "2")), [budget], a, b)).Node.Name);
        Assert.Equal("a", Assert.IsType<Preemption.Evict>(Preempt(Demand(Ranked("p", 10, "2")), [budget], a)).Node.Name);
    }

    [Fact]
    public void Nobody_is_pushed_out_in_vain_and_the_words_say_why()
    {
        var node = Zoned("a", "4");
        node.Take(Demand(Ranked("equal", 10, "4")));
        var cordoned = new NodeState(A.Node("c").With("spec.unschedulable", "true"));
        Assert.Equal(
            "0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
            Assert.IsType<Preemption.Never>(Preempt(Demand(Ranked("p", 10, "2")), [], node, cordoned)).Message);
        Assert.Equal("not eligible due to preemptionPolicy=Never.", Assert.IsType<Preemption.Never>(Preempt(Demand(Ranked("p", 99, "2").With("spec.preemptionPolicy", "\"Never\"")), [], node)).Message);
    }

    [Fact]
    public void Without_nodes_there_is_nowhere_to_go() => Assert.Equal("no nodes available to schedule pods", Why(Demand(A.Pod("x"))));

    private static NodeState Zoned(string name, string cpu = "8") => new(A.Node(name, cpu).Label("zone", name));

    private static System.Text.Json.Nodes.JsonNode? Terms(string key, string value) => System.Text.Json.Nodes.JsonNode.Parse(
        $$$"""{"requiredDuringSchedulingIgnoredDuringExecution":[{"labelSelector":{"matchLabels":{"{{{key}}}":"{{{value}}}"} },"topologyKey":"zone"}]}""");

    private static ObjectBuilder Ranked(string name, int priority, string cpu) => A.Pod(name).Uid(name).Requests(("cpu", cpu)).With("spec.priority", System.Text.Json.Nodes.JsonValue.Create(priority));

    private Preemption Preempt(PodDemand pod, ImmutableArray<DisruptionBudget> budgets, params NodeState[] nodes)
    {
        var view = SchedulingView.Of(nodes);
        return PreemptionPlanner.Plan(pod, Assert.IsType<Placement.Nowhere>(SchedulingPlanner.Place(pod, view, _random)), view, budgets);
    }

    private static PodDemand Demand(KubeObject pod) => new(new PodView(pod));
    private static PodDemand Demand(ObjectBuilder pod) => Demand(pod.Build());
    private static string Name(Placement placement) => Assert.IsType<Placement.OnNode>(placement).Node.Node.Meta.Name;
    private string Why(PodDemand pod, params NodeState[] nodes) => Assert.IsType<Placement.Nowhere>(SchedulingPlanner.Place(pod, SchedulingView.Of(nodes), _random)).Message;
}
