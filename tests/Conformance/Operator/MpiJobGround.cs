using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;

namespace Conformance;

/// <summary>
/// A namespace for one MPIJob called <c>pi</c>, on a server where the definition and the rights of deploy/install.yaml are
/// installed, with a Job controller and a garbage collector at work. The test sets the pods' status as kubelets would.
/// </summary>
internal sealed class MpiJobGround : IAsyncDisposable
{
    public static readonly ResourceKind MpiJob = KubeflowV2Beta1Dialect.MpiJob;

    /// <summary>Only ends what hangs. The Job controller takes ten seconds to the first retry, counters alone wait for fifteen.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>All but the Deployment and what belongs to it: the test starts the operator itself.</summary>
    private static readonly ResourceKind[] Installed =
        [Kinds.CustomResourceDefinition, Kinds.Namespace, Kinds.ServiceAccount, Kinds.ClusterRole, Kinds.ClusterRoleBinding, Kinds.Role, Kinds.RoleBinding];

    private readonly LocalControllers? _controllers;
    private readonly List<string> _definitions = [];

    private MpiJobGround(Target target, LocalControllers? controllers, string ns) => (Target, _controllers, Namespace) = (target, controllers, ns);

    public Target Target { get; }
    public string Namespace { get; }
    public KubeClient Admin => Target.Client;

    /// <param name="also">More of deploy/'s files, installed besides.</param>
    public static async Task<MpiJobGround> OpenAsync(string targetName, params string[] also)
    {
        var target = await Target.OpenAsync(targetName);
        var controllers = targetName == Target.Real ? null : new LocalControllers(target);
        var ground = new MpiJobGround(target, controllers, $"operator-{Guid.NewGuid():N}"[..24]);
        foreach (var file in (string[])["install.yaml", .. also])
        {
            foreach (var document in Yaml.Read(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, file), Token)))
            {
                if (Installed.SingleOrDefault(k => k.Kind == document.Root["kind"]!.ToString()) is not { } kind) continue;
                await ground.InstallAsync(kind, document.Root);
                if (kind == Kinds.CustomResourceDefinition) await ground.UntilServedAsync(Defined(document.Root));
            }
        }

        await target.Client.CreateAsync(Kinds.Namespace, A.Namespace(ground.Namespace), Token);
        return ground;
    }

    /// <summary>A namespaced kind of somebody else's whose objects may hold anything; gone again with the ground, unless it was there before.</summary>
    public async Task DefineAsync(ResourceKind kind)
    {
        var name = $"{kind.Plural}.{kind.Group}";
        var definition = new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject
            {
                ["name"] = name,
                // Kubernetes' own domains ask for a word on who allowed it.
                ["annotations"] = new JsonObject { ["api-approved.kubernetes.io"] = "unapproved, for a test" },
            },
            ["spec"] = JsonNode.Parse($$$"""
                {"group": "{{{kind.Group}}}", "scope": "Namespaced", "names": {"kind": "{{{kind.Kind}}}", "plural": "{{{kind.Plural}}}"},
                 "versions": [{"name": "{{{kind.Version}}}", "served": true, "storage": true,
                   "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}} }]}
                """),
        };
        try
        {
            await Admin.CreateAsync(Kinds.CustomResourceDefinition, KubeObject.From(definition), Token);
            _definitions.Add(name);
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // The cluster has the real one.
        }

        await UntilServedAsync(kind);
    }

    /// <summary>The job with two workers, its spec changed by the test.</summary>
    public Task<KubeObject> CreateJobAsync(Action<JsonObject>? spec = null, string jobName = "pi")
    {
        var job = (JsonObject)JsonNode.Parse($$$"""
            {
              "apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "{{{jobName}}}", "namespace": "{{{Namespace}}}"},
              "spec": {
                "runPolicy": {"cleanPodPolicy": "Running"},
                "mpiReplicaSpecs": {
                  "Launcher": {"template": {"spec": {"containers": [{"name": "main", "image": "example/mpi", "command": ["mpirun", "hostname"]}]}} },
                  "Worker": {"replicas": 2, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi"}]}} }
                }
              }
            }
            """)!;
        spec?.Invoke((JsonObject)job["spec"]!);
        return Admin.CreateAsync(MpiJob, KubeObject.From(job), Token);
    }

    public Task<KubeObject> JobAsync() => Admin.GetAsync(MpiJob, Namespace, "pi", Token);

    public Task EditJobAsync(string mergePatch) => Admin.PatchAsync(MpiJob, Namespace, "pi", Patch.Merge((JsonObject)JsonNode.Parse(mergePatch)!), null, Token);

    public async Task<KubeObject?> LauncherAsync() => (await Admin.ListAsync(Kinds.Job, Namespace, new ListOptions(), Token)).Items.SingleOrDefault();

    public async Task<IReadOnlyList<KubeObject>> PodsAsync(string role) =>
        (await Admin.ListAsync(Kinds.Pod, Namespace, new ListOptions($"training.kubeflow.org/job-role={role}"), Token)).Items;

    public async Task<IReadOnlyList<string>> NamesAsync(ResourceKind kind) =>
        [.. (await Admin.ListAsync(kind, Namespace, new ListOptions(), Token)).Items.Select(static o => o.Meta.Name)];

    /// <summary>What the operator said about its jobs, in order.</summary>
    public async Task<IReadOnlyList<KubeObject>> EventsAsync() =>
        [.. (await Admin.ListAsync(Kinds.Event, Namespace, new ListOptions(), Token)).Items
            .Where(static e => e.Root.Text("source", "component") == "mpi-job-controller")
            .OrderBy(static e => long.Parse(e.Meta.ResourceVersion, System.Globalization.CultureInfo.InvariantCulture))];

    public async Task<IEnumerable<string?>> SaidAsync() => (await EventsAsync()).Select(static e => e.Root.Text("reason"));

    /// <summary>Sets a pod's phase as a kubelet would; a container that ended says so too.</summary>
    public async Task SetPhaseAsync(KubeObject pod, string phase, bool ready = true)
    {
        var status = new JsonObject { ["phase"] = phase };
        if (phase == "Running") status["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = ready ? "True" : "False" });
        await Admin.PatchAsync(Kinds.Pod, Namespace, pod.Meta.Name, Patch.Merge(new JsonObject { ["status"] = status }), "status", Token);
    }

    public async Task RunWorkersAsync(int count = 2, bool ready = true)
    {
        await UntilAsync($"{count} workers", async () => (await PodsAsync("worker")).Count(static p => p.Meta.DeletionTimestamp is null) == count);
        foreach (var pod in await PodsAsync("worker")) await SetPhaseAsync(pod, "Running", ready);
    }

    /// <returns>The launcher's newest pod, that runs now.</returns>
    public async Task<KubeObject> RunLauncherAsync()
    {
        KubeObject? pod = null;
        await UntilAsync("a new pod of the launcher", async () =>
            (pod = (await PodsAsync("launcher")).SingleOrDefault(static p => p.Meta.DeletionTimestamp is null && p.Root.Text("status", "phase") is null or "" or "Pending")) is not null);
        await SetPhaseAsync(pod!, "Running");
        return pod!;
    }

    public Task UntilConditionAsync(string type, bool status = true) =>
        UntilStatusAsync($"condition {type} {status}", s => Conditions.Find(s, type)?.Status == (status ? "True" : "False"));

    public Task UntilStatusAsync(string what, Func<JsonElement, bool> holds) => UntilAsync(what, async () => holds((await JobAsync()).Root.At("status")));

    public async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            if (TimeProvider.System.GetElapsedTime(begin) > Patience)
            {
                var jobs = (await Admin.ListAsync(MpiJob, Namespace, new ListOptions(), Token)).Items;
                Assert.Fail($"{what}: not within {Patience.TotalSeconds} s; the jobs: {string.Join(", ", jobs.Select(static j => j.Root.At("status").ToString()))}");
            }

            await Task.Delay(50, Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Admin.DeleteAsync(Kinds.Namespace, null, Namespace, new DeleteOptions(), CancellationToken.None);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // The test has seen its end.
        }

        foreach (var name in _definitions) await Admin.DeleteAsync(Kinds.CustomResourceDefinition, null, name, new DeleteOptions(), CancellationToken.None);
        if (_controllers is not null) await _controllers.DisposeAsync();
        await Target.DisposeAsync();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private async Task InstallAsync(ResourceKind kind, JsonObject tree)
    {
        var obj = KubeObject.From(tree);
        try
        {
            await Admin.CreateAsync(kind, obj, Token);
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // From an earlier run, perhaps of an older tree.
            await Admin.PatchAsync(kind, kind.Namespaced ? obj.Meta.Namespace : null, obj.Meta.Name, Patch.Merge(tree), null, Token);
        }
    }

    private static ResourceKind Defined(JsonObject definition) => new(
        definition["spec"]!["group"]!.ToString(), definition["spec"]!["versions"]![0]!["name"]!.ToString(), definition["spec"]!["names"]!["kind"]!.ToString(), definition["spec"]!["names"]!["plural"]!.ToString());

    /// <summary>A definition is served a moment after it was taken.</summary>
    private Task UntilServedAsync(ResourceKind kind) => UntilAsync($"{kind} served", async () =>
    {
        try
        {
            await Admin.ListAsync(kind, kind.Namespaced ? "default" : null, new ListOptions(), Token);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound || e.Responsibility == Responsibility.Wait)
        {
            return false;
        }
    });
}

/// <summary>
/// Operators share one Lease, and with the session that applies and deletes it the definition of MPIJobs: on a cluster that outlives the tests
/// they come one after the other.
/// </summary>
[CollectionDefinition(Name)]
public sealed class OperatorCollection
{
    public const string Name = "operator";
}
