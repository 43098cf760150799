using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Planning;
using PodView = Kube.Types.PodView;

namespace Simulation;

/// <summary>A world with kube-batch's kinds: jobs called <c>ring</c> whose pods are indexes of one Job, which its real controller makes, ends and counts.</summary>
internal sealed class KubeBatchWorld : IAsyncDisposable
{
    public static readonly ResourceKind PodGroup = GangBackend.Named("kube-batch")!.Kinds[0];

    public static readonly ResourceKind Queue = GangBackend.Named("kube-batch")!.QueueKind!;

    /// <summary>The executor's command takes this long; workers hear of its end at once.</summary>
    public static readonly TimeSpan RunTime = TimeSpan.FromSeconds(20);

    private static readonly PodScript Like = new() { StartDelay = TimeSpan.FromSeconds(1), InitTime = TimeSpan.FromSeconds(1) };

    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);

    /// <param name="script">What a pod does, by its index and the number of the attempt, from 1; null for what goes well.</param>
    /// <param name="rights">The operator's; null for those of deploy/kube-batch.yaml.</param>
    public KubeBatchWorld(Func<int, int, PodScript?>? script = null, Faults? faults = null, bool installed = true, PlanningOptions? planning = null, GrantedRights? rights = null)
    {
        Cluster = new SimulatedCluster(new SimulationOptions(23)
        {
            Dialects = [new KubeflowV2Beta1Dialect(), new KubeBatchDialect()],
            Definitions = [Yaml.Read(CustomResources.Read("kube-batch/mpis.yaml"))[0].Root],
            AlsoWatched = [KubeBatchDialect.Mpi],
            Faults = faults ?? Faults.None,
            Rights = rights ?? OperatorRights.WithKubeBatch,
            Planning = planning ?? new PlanningOptions(),
            ScriptOf = pod => ScriptOf(pod, script),
        });
        if (installed) InstallScheduler();
    }

    public SimulatedCluster Cluster { get; }

    public KubeObject Job => Get(KubeBatchDialect.Mpi, "ring")!;

    public IEnumerable<KubeObject> Pods => List(Kinds.Pod).Where(static p => p.Meta.Labels.GetValueOrDefault("job-name") == "ring");

    public static PodScript Ends(TimeSpan after, int exitCode = 0, string message = "") => Like with { Runs = [new ContainerRun(after, exitCode) { Message = message }] };

    public static PodScript Forever => Like;

    /// <summary>Three pods with two sidecars' worth of detail, in the bare shape.</summary>
    public static JsonObject Ring(int pods = 3, Action<JsonObject>? jobSpec = null)
    {
        var job = (JsonObject)JsonNode.Parse(
            """
            {
              "apiVersion": "scheduling.incubator.k8s.io/v1alpha1", "kind": "MPI", "metadata": {"name": "ring", "namespace": "default"},
              "spec": {"job": {"template": {
                "metadata": {"labels": {"team": "a", "job-type": "mine"}},
                "spec": {"containers": [
                  {"name": "mpi", "image": "example/mpich", "command": ["mpirun", "-n"], "args": ["3", "./ring", "a b"]},
                  {"name": "beside", "image": "example/log", "command": ["tail"]}]}}}}
            }
            """)!;
        job["spec"]!["job"]!["parallelism"] = pods;
        jobSpec?.Invoke((JsonObject)job["spec"]!["job"]!);
        return job;
    }

    public void Create(JsonObject job) => Cluster.Create(job, KubeBatchDialect.Mpi);

    public void InstallScheduler() => Cluster.Create(Definition(PodGroup), Kinds.CustomResourceDefinition);

    public void InstallQueues() => Cluster.Create(Definition(Queue), Kinds.CustomResourceDefinition);

    public static JsonObject Definition(ResourceKind kind) => (JsonObject)JsonNode.Parse(
        $$$"""
        {
          "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
          "metadata": {"name": "{{{kind.Plural}}}.{{{kind.Group}}}", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
          "spec": {
            "group": "{{{kind.Group}}}", "scope": "{{{(kind.Namespaced ? "Namespaced" : "Cluster")}}}", "names": {"kind": "{{{kind.Kind}}}", "plural": "{{{kind.Plural}}}"},
            "versions": [{"name": "{{{kind.Version}}}", "served": true, "storage": true,
              "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}} }]
          }
        }
        """)!;

    public void Edit(string mergePatch) => SimulatedCluster.Now(Cluster.Admin.PatchAsync(KubeBatchDialect.Mpi, "default", "ring", Patch.Merge((JsonObject)JsonNode.Parse(mergePatch)!), null, CancellationToken.None));

    public bool Has(string condition) => MpiJobs.Has(Job, condition);

    public string Message(string condition) => Job.Root.Items("status", "conditions").First(c => c.Text("type") == condition).Text("message") ?? "";

    public void RunUntil(string condition, TimeSpan? atMost = null) => Cluster.RunUntil(() => Has(condition), atMost ?? TimeSpan.FromMinutes(10), $"the job is {condition}");

    public KubeObject? Get(ResourceKind kind, string name)
    {
        try
        {
            return SimulatedCluster.Now(Cluster.Admin.GetAsync(kind, "default", name, CancellationToken.None));
        }
        catch (ApiException absent) when (absent.IsNotFound)
        {
            return null;
        }
    }

    public ImmutableArray<KubeObject> List(ResourceKind kind) => [.. SimulatedCluster.Now(Cluster.Admin.ListAsync(kind, "default", new ListOptions(), CancellationToken.None)).Items];

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();

    private PodScript? ScriptOf(PodView pod, Func<int, int, PodScript?>? script)
    {
        if (pod.Meta.Labels.GetValueOrDefault("job-type") != "mpi-job") return null;
        var index = int.Parse(pod.Meta.Annotations["batch.kubernetes.io/job-completion-index"], System.Globalization.CultureInfo.InvariantCulture);
        // Each attempt has a Job of its own, and that a uid.
        var owner = pod.Meta.Controller!.Uid;
        if (!_attempts.TryGetValue(owner, out var attempt)) _attempts[owner] = attempt = _attempts.Count + 1;
        return script?.Invoke(index, attempt) ?? Ends(index == 0 ? RunTime : RunTime + TimeSpan.FromSeconds(1));
    }
}
