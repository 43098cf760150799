using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;
using Mpi.LocalCluster;
using Mpi.Operator;

namespace Conformance;

/// <summary>
/// One job's control plane against every server: the operator runs as its service account with the rights of
/// deploy/install.yaml and nothing else, a Job controller and a garbage collector work beside it, and the test sets the pods'
/// status as kubelets would.
/// </summary>
public sealed class OperatorTests
{
    private const int Workers = 2;

    private static readonly ResourceKind MpiJob = KubeflowV2Beta1Dialect.MpiJob;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Targets => Target.All;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_job_is_brought_up_taken_over_by_the_next_operator_ended_and_collected(string name)
    {
        await using var target = await Target.OpenAsync(name);
        await using var controllers = name == Target.Real ? null : new LocalControllers(target);
        await InstallAsync(target.Client);
        var ns = await CreateNamespaceAsync(target.Client);
        var traffic = new Traffic();

        // The first operator brings everything up, and says that the job runs when its pods do.
        await using (var first = Operator.Start(target, traffic, "first"))
        {
            await target.Client.CreateAsync(MpiJob, Job(ns), Token);
            await UntilAsync(target, ns, "workers and launcher", async () => (await PodsAsync(target, ns, "worker")).Count == Workers && (await PodsAsync(target, ns, "launcher")).Count == 1);
            foreach (var pod in await PodsAsync(target, ns, "worker")) await SetAsync(target, pod, Running);
            await SetAsync(target, (await PodsAsync(target, ns, "launcher"))[0], Running);
            await UntilAsync(target, ns, "condition Running", async () => Has(await JobAsync(target, ns), "Running"));
        }

        var launcher = (await PodsAsync(target, ns, "launcher"))[0];
        Assert.Equal(["pi"], await NamesAsync(target, Kinds.Service, ns));
        Assert.Contains("pi-config", await NamesAsync(target, Kinds.ConfigMap, ns));
        Assert.Equal(["pi-ssh"], (await NamesAsync(target, Kinds.Secret, ns)).Where(static n => n.StartsWith("pi", StringComparison.Ordinal)));
        Assert.Equal(["pi-launcher"], await NamesAsync(target, Kinds.Job, ns));

        // The next one takes over without a second launcher or a repeated event, records the end and cleans up.
        await using (Operator.Start(target, traffic, "second"))
        {
            await SetAsync(target, launcher, Succeeded);
            await UntilAsync(target, ns, "condition Succeeded", async () => Has(await JobAsync(target, ns), "Succeeded"));
            await UntilAsync(target, ns, "workers gone", async () => (await PodsAsync(target, ns, "worker")).Count == 0);
        }

        Assert.Equal(launcher.Meta.Uid, Assert.Single(await PodsAsync(target, ns, "launcher")).Meta.Uid);
        Assert.False(Has(await JobAsync(target, ns), "Running"));
        Assert.NotNull((await JobAsync(target, ns)).Root.Text("status", "completionTime"));
        var events = (await target.Client.ListAsync(Kinds.Event, ns, new ListOptions(), Token)).Items.Where(static e => e.Root.Text("source", "component") == "mpi-job-controller").ToList();
        Assert.Equal(["MPIJobCreated", "MPIJobRunning", "MPIJobSucceeded"], events.Select(static e => e.Root.Text("reason")).Order());
        Assert.All(events, static e => Assert.Equal(1, e.Root.Integer("count")));

        // Every right that it needed was among those it was given; the takeover asked about ConfigMap and Secret once each.
        Assert.Empty(traffic.Refused);
        Assert.True(traffic.Writes.Count <= Workers + 12 + 2, string.Join("\n", traffic.Writes));

        // Nothing of ours holds up a deletion, and the garbage collector finds every child.
        await target.Client.DeleteAsync(MpiJob, ns, "pi", new DeleteOptions(), Token);
        await UntilAsync(target, ns, "everything collected", async () =>
            (await NamesAsync(target, Kinds.Service, ns)).Count == 0 && (await NamesAsync(target, Kinds.Job, ns)).Count == 0
            && !(await NamesAsync(target, Kinds.ConfigMap, ns)).Contains("pi-config") && !(await NamesAsync(target, Kinds.Secret, ns)).Contains("pi-ssh"));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static KubeObject Job(string ns) => KubeObject.Parse(
        """
        {
          "apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "pi", "namespace": "NAMESPACE"},
          "spec": {
            "runPolicy": {"cleanPodPolicy": "Running"},
            "mpiReplicaSpecs": {
              "Launcher": {"template": {"spec": {"containers": [{"name": "main", "image": "example/mpi", "command": ["mpirun", "hostname"]}]}}},
              "Worker": {"replicas": 2, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi"}]}}}
            }
          }
        }
        """.Replace("NAMESPACE", ns, StringComparison.Ordinal));

    private static async Task InstallAsync(KubeClient admin)
    {
        // All but the Deployment and what belongs to it: the operator runs in this process.
        ResourceKind[] needed = [Kinds.CustomResourceDefinition, Kinds.Namespace, Kinds.ServiceAccount, Kinds.ClusterRole, Kinds.ClusterRoleBinding, Kinds.Role, Kinds.RoleBinding];
        foreach (var document in Yaml.Read(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "install.yaml"), Token)))
        {
            var obj = KubeObject.From(document.Root);
            if (needed.SingleOrDefault(k => k.Kind == obj.Kind) is not { } kind) continue;
            try
            {
                await admin.CreateAsync(kind, obj, Token);
            }
            catch (ApiException e) when (e.IsAlreadyExists)
            {
                // From an earlier run, perhaps of an older tree.
                await admin.PatchAsync(kind, kind.Namespaced ? obj.Meta.Namespace : null, obj.Meta.Name, Patch.Merge(document.Root), null, Token);
            }
        }

        for (var tries = 0; ; tries++)
        {
            try
            {
                await admin.ListAsync(MpiJob, null, new ListOptions(), Token);
                return;
            }
            catch (ApiException e) when (tries < 100 && (e.IsNotFound || e.Responsibility == Responsibility.Wait))
            {
                // A definition is served a moment after it was taken.
                await Task.Delay(100, Token);
            }
        }
    }

    private static async Task<string> CreateNamespaceAsync(KubeClient admin)
    {
        var name = $"operator-{Guid.NewGuid():N}"[..24];
        await admin.CreateAsync(Kinds.Namespace, A.Namespace(name), Token);
        return name;
    }

    private static Task<KubeObject> JobAsync(Target target, string ns) => target.Client.GetAsync(MpiJob, ns, "pi", Token);

    private static bool Has(KubeObject job, string condition) => Conditions.IsTrue(job.Root.At("status"), condition);

    private static async Task<IReadOnlyList<KubeObject>> PodsAsync(Target target, string ns, string role) =>
        (await target.Client.ListAsync(Kinds.Pod, ns, new ListOptions($"training.kubeflow.org/job-role={role}"), Token)).Items;

    private static async Task<IReadOnlyList<string>> NamesAsync(Target target, ResourceKind kind, string ns) =>
        [.. (await target.Client.ListAsync(kind, ns, new ListOptions(), Token)).Items.Select(static o => o.Meta.Name)];

    private static JsonObject Running => new()
    {
        ["phase"] = "Running",
        ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True" }),
    };

    private static JsonObject Succeeded => new() { ["phase"] = "Succeeded" };

    private static Task<KubeObject> SetAsync(Target target, KubeObject pod, JsonObject status) => target.Client.PatchAsync(
        Kinds.Pod, pod.Meta.Namespace, pod.Meta.Name, Patch.Merge(new JsonObject { ["status"] = status }), "status", Token);

    private static async Task UntilAsync(Target target, string ns, string what, Func<Task<bool>> holds)
    {
        var end = DateTime.UtcNow + Patience;
        while (!await holds())
        {
            if (DateTime.UtcNow > end)
            {
                var job = (await target.Client.ListAsync(MpiJob, ns, new ListOptions(), Token)).Items;
                Assert.Fail($"{what}: not within {Patience.TotalSeconds} s; the job: {string.Join(",", job.Select(static j => j.Root.At("status").ToString()))}");
            }

            await Task.Delay(50, Token);
        }
    }

    /// <summary>What the operators sent, elections not counted.</summary>
    private sealed class Traffic
    {
        public ConcurrentQueue<string> Writes { get; } = new();
        public ConcurrentQueue<string> Refused { get; } = new();
    }

    /// <summary>Sends as the operator's service account and counts. An administrator may impersonate it, and then has its rights alone.</summary>
    private sealed class AsServiceAccount(HttpMessageHandler inner, Traffic traffic) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Add("Impersonate-User", "system:serviceaccount:mpi-operator:mpi-operator");
            request.Headers.Add("Impersonate-Group", ["system:serviceaccounts", "system:serviceaccounts:mpi-operator", "system:authenticated"]);
            var what = $"{request.Method} {request.RequestUri!.AbsolutePath}";
            if (request.Method != HttpMethod.Get && !what.Contains("/leases", StringComparison.Ordinal)) traffic.Writes.Enqueue(what);
            var response = await base.SendAsync(request, cancellationToken);
            if ((int)response.StatusCode is 401 or 403) traffic.Refused.Enqueue(what);
            return response;
        }
    }

    /// <summary>An operator that runs until it is disposed, which gives its lease back.</summary>
    private sealed class Operator : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly KubeClient _client;
        private readonly OperatorProcess _process;
        private readonly Task<OperatorExit> _run;

        private Operator(KubeClient client, string identity)
        {
            _client = client;
            _process = new OperatorProcess(new OperatorOptions(), new OperatorParts { Client = client, Dialect = new KubeflowV2Beta1Dialect(), Identity = identity });
            _run = OperatorHost.RunAsync(_process, TimeProvider.System, _stop.Token);
        }

        public static Operator Start(Target target, Traffic traffic, string identity) => new(target.OpenClient(inner => new AsServiceAccount(inner, traffic)), identity);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            Assert.Equal(OperatorExit.Stopped, await _run);
            await _process.DisposeAsync();
            _client.Dispose();
            _stop.Dispose();
        }
    }
}
