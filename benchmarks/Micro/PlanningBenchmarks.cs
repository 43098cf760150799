using System.Collections.Immutable;
using System.Text.Json.Nodes;
using BenchmarkDotNet.Attributes;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Planning;
using Simulation;
using PodView = Mpi.Planning.PodView;

namespace Benchmarks.Micro;

/// <summary>
/// What a pass over a job costs the operator, by its number of workers: the first (every object is made), and one at rest, which is
/// what each event of a big job pays. Cost must grow linearly (design section 9: exponent 1.05 or less).
/// </summary>
public class PlanningBenchmarks
{
    private ObservedRun _fresh = null!;
    private ObservedRun _atRest = null!;

    [Params(10, 100, 1_000, 10_000)]
    public int Workers { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        var dialect = new KubeflowV2Beta1Dialect();
        var manifest = MpiJobs.Job("pi", Workers);
        manifest["metadata"]!["uid"] = "uid-of-pi";
        var job = KubeObject.From(manifest);
        _fresh = new ObservedRun
        {
            Job = job,
            Dialect = dialect,
            Parsed = dialect.Parse(job.Root),
            Options = new PlanningOptions(),
            Now = DateTimeOffset.UnixEpoch,
        };
        _atRest = Settle(_fresh);
    }

    [Benchmark]
    public Plan First() => Planner.Decide(_fresh);

    [Benchmark]
    public Plan AtRest() => Planner.Decide(_atRest);

    /// <summary>The run after its first plan was carried out and its workers came up.</summary>
    private static ObservedRun Settle(ObservedRun fresh)
    {
        var plan = Planner.Decide(fresh);
        var made = plan.Actions.OfType<PlanAction.Create>().Select((create, number) => (create.Kind, Object: Made(create.Manifest, number))).ToList();
        var tree = (JsonObject)JsonNode.Parse(fresh.Job.Utf8.Span)!;
        tree["status"] = plan.Status!.DeepClone();
        KubeObject One(ResourceKind kind) => made.Single(m => m.Kind == kind).Object;
        var secret = plan.Actions.OfType<PlanAction.CreateKeys>().Select(static create => create.SecretWithoutData.DeepClone()).Single();
        secret["data"] = new JsonObject { ["ssh-privatekey"] = "cHJpdmF0ZQ==", ["ssh-publickey"] = "cHVibGlj" };
        var settled = fresh with
        {
            Job = KubeObject.From(tree),
            Service = ServiceView.Read(One(Kinds.Service).Root),
            ConfigMaps = new[] { ConfigMapView.Read(One(Kinds.ConfigMap).Root) }.ToImmutableDictionary(static m => m.Meta.Name, StringComparer.Ordinal),
            Secret = SecretView.Read(KubeObject.From((JsonObject)secret).Root),
            Launcher = LauncherView.Read(One(Kinds.Job).Root),
            Workers = [.. made.Where(static m => m.Kind == Kinds.Pod).Select(static m => PodView.Read(m.Object.Root))],
        };
        var next = Planner.Decide(settled);
        return next.Actions.IsEmpty ? settled : throw new InvalidOperationException($"not at rest: {next.Actions[0]}");
    }

    private static KubeObject Made(JsonObject manifest, int number)
    {
        var tree = (JsonObject)manifest.DeepClone();
        tree["metadata"]!["uid"] = $"uid-{number}";
        tree["status"] = new JsonObject { ["phase"] = "Running" };
        return KubeObject.From(tree);
    }
}
