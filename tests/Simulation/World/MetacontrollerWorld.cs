using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Types;
using Mpi.Dialects;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>A world with skatelescope.org's kind: jobs called <c>hello</c> whose workers a real StatefulSet controller makes and replaces.</summary>
internal sealed class MetacontrollerWorld : IAsyncDisposable
{
    public static readonly ResourceKind Kind = MetacontrollerDialect.MpiJob;

    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);

    /// <param name="worker">What a worker's pod does, by its index and how often it was made, from 1; null for what goes well.</param>
    public MetacontrollerWorld(int nodes = 4, Func<int, int, PodScript?>? worker = null, Faults? faults = null, PodScript? launcher = null)
    {
        launcher ??= PodScript.RunsFor(TimeSpan.FromSeconds(20)) with { StartDelay = TimeSpan.FromSeconds(1), InitTime = TimeSpan.FromMilliseconds(500) };
        Cluster = new SimulatedCluster(new SimulationOptions(29)
        {
            Nodes = nodes,
            Dialects = [new KubeflowV2Beta1Dialect(), new MetacontrollerDialect()],
            Definitions = [Yaml.Read(CustomResources.Read("metacontroller/mpijobs.yaml"))[0].Root],
            AlsoWatched = [Kind],
            Faults = faults ?? Faults.None,
            Rights = OperatorRights.WithMetacontroller,
            ScriptOf = pod => pod.Meta.Labels.GetValueOrDefault("mpi_role_type") switch
            {
                "launcher" => launcher,
                "worker" => worker?.Invoke(int.Parse(pod.Meta.Name[(pod.Meta.Name.LastIndexOf('-') + 1)..], System.Globalization.CultureInfo.InvariantCulture), MadeBefore(pod)) ?? Forever,
                _ => null,
            },
        });
    }

    public static PodScript Forever { get; } = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(2) };

    public SimulatedCluster Cluster { get; }
    public KubeObject Job => Get(Kind, "hello")!;
    public KubeObject Set => Get(Kinds.StatefulSet, "mpioperator-hello-worker")!;

    public IEnumerable<KubeObject> Workers => Pods("worker");

    public IEnumerable<KubeObject> Pods(string role) => List(Kinds.Pod).Where(p => p.Meta.Labels.GetValueOrDefault("mpi_role_type") == role);

    public string Hosts(string key) => Get(Kinds.ConfigMap, "mpioperator-hello-config")!.Root.Text("data", key) ?? "";

    public static JsonObject Hello(int replicas = 2, string spec = "{}", Action<JsonObject>? change = null)
    {
        var job = (JsonObject)JsonNode.Parse(
            """
            {
              "apiVersion": "skatelescope.org/v1", "kind": "MPIJob", "metadata": {"name": "hello", "namespace": "default"},
              "spec": {"template": {"spec": {"containers": [{"name": "hello", "image": "example/openmpi:4", "command": ["mpiexec"], "args": ["hostname"]}]}}}
            }
            """)!;
        job["spec"]!["replicas"] = replicas;
        foreach (var (name, value) in (JsonObject)JsonNode.Parse(spec)!) job["spec"]![name] = value?.DeepClone();
        change?.Invoke(job);
        return job;
    }

    public void Create(JsonObject job) => Cluster.Create(job, Kind);

    public void Edit(string mergePatch) => SimulatedCluster.Now(Cluster.Admin.PatchAsync(Kind, "default", "hello", Patch.Merge((JsonObject)JsonNode.Parse(mergePatch)!), null, CancellationToken.None));

    public bool Has(string condition) => MpiJobs.Has(Job, condition);

    public string Message(string condition) => Job.Root.Items("status", "conditions").First(c => c.Text("type") == condition).Text("message") ?? "";

    public void RunUntil(string condition) => Cluster.RunUntil(() => Has(condition), TimeSpan.FromMinutes(15), $"the job is {condition}");

    public KubeObject? Get(ResourceKind kind, string name)
    {
        try
        {
            return SimulatedCluster.Now(Cluster.Admin.GetAsync(kind, kind.Namespaced ? "default" : null, name, CancellationToken.None));
        }
        catch (ApiException absent) when (absent.IsNotFound)
        {
            return null;
        }
    }

    public ImmutableArray<KubeObject> List(ResourceKind kind) => [.. SimulatedCluster.Now(Cluster.Admin.ListAsync(kind, "default", new ListOptions(), CancellationToken.None)).Items];

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();

    private int MadeBefore(PodView pod)
    {
        var key = $"{pod.Meta.Name} {pod.Meta.Uid}";
        if (!_attempts.TryGetValue(key, out var made)) _attempts[key] = made = _attempts.Keys.Count(k => k.StartsWith(pod.Meta.Name + " ", StringComparison.Ordinal)) + 1;
        return made;
    }
}
