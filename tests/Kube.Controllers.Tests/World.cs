using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Kube.Controllers.Tests;

/// <summary>A cluster with all controllers and virtual nodes, whose pods do what the test says.</summary>
internal sealed class World : IDisposable
{
    public World(int seed = 1, int nodes = 1, string cpu = "8", string pods = "110")
    {
        Cluster = new TestCluster(seed);
        var (client, requests) = Cluster.Connect("controllers");
        ControllerRequests = requests;
        Controllers = new ControllerSet(client, new ControllerOptions { OnFailure = (c, key, e, wait) => Cluster.Stepper.Note($"{c} failed at {key}: {e.Message} ({wait})") }, Cluster.Clock, Cluster.NewRandom());
        var specs = VirtualNodeSpec.Many("node", nodes).Select(n => n with { Allocatable = n.Allocatable.SetItem("cpu", cpu).SetItem("pods", pods) });
        Nodes = new VirtualNodes(Cluster.Connect("nodes").Client, new VirtualNodeOptions([.. specs]), p => Script(p), Cluster.Clock, Cluster.NewRandom());
        Cluster.Stepper.Add(Controllers.Loops).Add(Nodes.Loops);
    }

    public TestCluster Cluster { get; }
    public Stepper Stepper => Cluster.Stepper;
    public ControllerSet Controllers { get; }
    public FaultInjectingHandler ControllerRequests { get; }
    public VirtualNodes Nodes { get; }

    /// <summary>What each pod does; set before pods are created.</summary>
    public Func<PodView, PodScript> Script { get; set; } = _ => PodScript.RunsForever;

    public IReadOnlyList<PodView> Pods => [.. Cluster.List(Kinds.Pod).Select(o => new PodView(o))];
    public IReadOnlyList<PodView> LivePods => [.. Pods.Where(p => !p.IsFinished)];

    public JobView Job(string name) => new(Cluster.Get(Kinds.Job, name));

    public IEnumerable<string> EventReasons => Cluster.List(Kinds.Event).Select(e => e.Root.Text("reason") ?? "").Distinct().Order(StringComparer.Ordinal);

    public void Run(double seconds) => Stepper.RunFor(TimeSpan.FromSeconds(seconds));

    public void Dispose() => Cluster.Dispose();
}
