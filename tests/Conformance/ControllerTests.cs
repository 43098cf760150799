using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;

namespace Conformance;

/// <summary>
/// Workload controllers against every server: the local cluster's own, and where a real cluster is named those of its controller
/// manager. The test sets the pods' status as kubelets would. Both must do the same.
/// </summary>
public sealed class ControllerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Targets => Target.All;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_job_fails_by_its_failure_policy_and_takes_its_pods_down(string name)
    {
        await using var world = await World.OpenAsync(name);
        await world.CreateAsync(A.Job("j").With("spec.completions", "2").With("spec.parallelism", "2").With("spec.podFailurePolicy", """{"rules":[{"action":"FailJob","onExitCodes":{"operator":"In","values":[42]}}]}"""));
        var pods = await world.PodsAsync("two pods", static p => p.Count == 2);
        Assert.All(pods, static p => Assert.Contains("batch.kubernetes.io/job-tracking", p.Meta.Finalizers));
        await world.SetAsync(pods[0], Ended("Failed", 42));
        var status = await world.StatusAsync(Kinds.Job, "j", "condition Failed", static s => Conditions.IsTrue(s, "Failed"));
        var failed = Conditions.Find(status, "Failed")!;
        Assert.Equal(("PodFailurePolicy", $"Container main for pod {pods[0].Meta.Key} failed with exit code 42 matching FailJob rule at index 0"), (failed.Reason, failed.Message));
        Assert.True(Conditions.IsTrue(status, "FailureTarget"));
        Assert.Equal((2L, 0L, 0L), (status.Integer("failed"), status.Integer("ready"), status.Integer("terminating")));
        Assert.Equal(pods[0].Meta.Name, Assert.Single(await world.PodsAsync("one pod", static p => p.Count == 1)).Meta.Name);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Each_index_of_a_job_has_its_own_limit(string name)
    {
        await using var world = await World.OpenAsync(name);
        await world.CreateAsync(A.Job("j").With("spec.completions", "2").With("spec.parallelism", "2").With("spec.completionMode", "\"Indexed\"").With("spec.backoffLimitPerIndex", "0"));
        var pods = await world.PodsAsync("two pods", static p => p.Count == 2);
        var first = pods.Single(static p => p.Meta.Annotations["batch.kubernetes.io/job-completion-index"] == "0");
        Assert.Equal("0", first.Meta.Annotations["batch.kubernetes.io/job-index-failure-count"]);
        await world.SetAsync(first, Ended("Failed", 1));
        await world.StatusAsync(Kinds.Job, "j", "a failed index", static s => s.Text("failedIndexes") == "0");
        await world.SetAsync(pods.Single(p => p != first), Ended("Succeeded", 0));
        var status = await world.StatusAsync(Kinds.Job, "j", "condition Failed", static s => Conditions.IsTrue(s, "Failed"));
        Assert.Equal(("FailedIndexes", "Job has failed indexes"), (Conditions.Find(status, "Failed")!.Reason, Conditions.Find(status, "Failed")!.Message));
        Assert.Equal(("1", 1L, 1L), (status.Text("completedIndexes"), status.Integer("succeeded"), status.Integer("failed")));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_suspended_job_has_no_pod_and_starts_anew(string name)
    {
        await using var world = await World.OpenAsync(name);
        await world.CreateAsync(A.Job("j"));
        await world.PodsAsync("a pod", static p => p.Count == 1);
        await world.PatchAsync(Kinds.Job, "j", """{"spec":{"suspend":true}}""");
        var suspended = await world.StatusAsync(Kinds.Job, "j", "condition Suspended", static s => Conditions.IsTrue(s, "Suspended"));
        await world.PodsAsync("no pod", static p => p.Count == 0);
        // Kubernetes forgets it since 1.36, so that its scheduling directives can be edited (MutableSchedulingDirectivesForSuspendedJobs).
        var minor = (await world.Client.ReadAsync("/version", World.Token)).Text("minor")!.TrimEnd('+');
        Assert.Equal(int.Parse(minor, CultureInfo.InvariantCulture) >= 36, suspended.Text("startTime") is null);
        await world.PatchAsync(Kinds.Job, "j", """{"spec":{"suspend":false}}""");
        var resumed = await world.StatusAsync(Kinds.Job, "j", "an active pod", static s => s.Integer("active") == 1 && Conditions.Find(s, "Suspended") is { Status: "False" });
        Assert.Equal("JobResumed", Conditions.Find(resumed, "Suspended")!.Reason);
        Assert.Null(resumed.Integer("failed"));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_stateful_set_brings_up_its_pods_in_order_and_exchanges_them_from_the_top(string name)
    {
        await using var world = await World.OpenAsync(name);
        await world.CreateAsync(A.StatefulSet("web", 2));
        var first = Assert.Single(await world.PodsAsync("the first pod", static p => p.Count == 1));
        Assert.Equal(("web-0", "0", "web-0", "web"), (first.Meta.Name, first.Meta.Labels["apps.kubernetes.io/pod-index"], first.Root.Text("spec", "hostname"), first.Root.Text("spec", "subdomain")));
        await world.SetAsync(first, Running);
        var second = (await world.PodsAsync("the second pod", static p => p.Count == 2)).Single(static p => p.Meta.Name == "web-1");
        await world.SetAsync(second, Running);
        var status = await world.StatusAsync(Kinds.StatefulSet, "web", "both ready", static s => s.Integer("readyReplicas") == 2);
        Assert.Equal((2L, 2L, 2L, 2L), (status.Integer("replicas"), status.Integer("currentReplicas"), status.Integer("updatedReplicas"), status.Integer("availableReplicas")));

        await world.PatchAsync(Kinds.StatefulSet, "web", """{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"example/new"}]}}}}""");
        await world.PodsAsync("web-1 made anew", p => p.Any(x => x.Meta.Name == "web-1" && x.Meta.Uid != second.Meta.Uid) && p.Any(x => x.Meta.Uid == first.Meta.Uid));
        status = await world.StatusAsync(Kinds.StatefulSet, "web", "one updated", static s => s.Integer("updatedReplicas") == 1);
        Assert.NotEqual(status.Text("currentRevision"), status.Text("updateRevision"));
        var revisions = (await world.Client.ListAsync(Kinds.ControllerRevision, world.Namespace, new ListOptions(), World.Token)).Items;
        Assert.Equal([1L, 2L], revisions.Select(static r => r.Root.Integer("revision") ?? 0).Order());
        Assert.Contains(status.Text("updateRevision"), revisions.Select(static r => r.Meta.Name));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_deployment_rolls_out_one_pod_beyond_its_size_and_numbers_its_sets(string name)
    {
        await using var world = await World.OpenAsync(name);
        await world.CreateAsync(A.Workload(Kinds.Deployment, "d", 3));
        foreach (var pod in await world.PodsAsync("three pods", static p => p.Count == 3)) await world.SetAsync(pod, Running);
        var status = await world.StatusAsync(Kinds.Deployment, "d", "complete", static s => Conditions.Find(s, "Progressing")?.Reason == "NewReplicaSetAvailable");
        Assert.Equal((3L, 3L, 3L, 3L), (status.Integer("replicas"), status.Integer("updatedReplicas"), status.Integer("readyReplicas"), status.Integer("availableReplicas")));
        Assert.Equal("MinimumReplicasAvailable", Conditions.Find(status, "Available")!.Reason);

        await world.PatchAsync(Kinds.Deployment, "d", """{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"example/new"}]}}}}""");
        await world.PodsAsync("a fourth pod", static p => p.Count == 4);
        status = await world.StatusAsync(Kinds.Deployment, "d", "under way", static s => s.Integer("replicas") == 4 && s.Integer("updatedReplicas") == 1);
        Assert.Equal((1L, "ReplicaSetUpdated"), (status.Integer("unavailableReplicas"), Conditions.Find(status, "Progressing")!.Reason));
        var sets = (await world.Client.ListAsync(Kinds.ReplicaSet, world.Namespace, new ListOptions(), World.Token)).Items;
        Assert.Equal(["1", "2"], sets.Select(static s => s.Meta.Annotations["deployment.kubernetes.io/revision"]).Order());
        Assert.All(sets, static s => Assert.Equal(("3", "4"), (s.Meta.Annotations["deployment.kubernetes.io/desired-replicas"], s.Meta.Annotations["deployment.kubernetes.io/max-replicas"])));

        // What lost its Deployment is adopted by the next one.
        await world.Client.DeleteAsync(Kinds.Deployment, world.Namespace, "d", new DeleteOptions(Propagation: "Orphan"), World.Token);
        await world.UntilAsync("orphans", async () => (await world.Client.ListAsync(Kinds.ReplicaSet, world.Namespace, new ListOptions(), World.Token)).Items.All(static s => s.Meta.Controller is null));
        // Its orphans are let go before it goes itself.
        await world.UntilAsync("no Deployment", async () => (await world.Client.ListAsync(Kinds.Deployment, world.Namespace, new ListOptions(), World.Token)).Items is []);
        var again = await world.CreateAsync(A.Workload(Kinds.Deployment, "d", 3));
        await world.UntilAsync("adoption", async () => (await world.Client.ListAsync(Kinds.ReplicaSet, world.Namespace, new ListOptions(), World.Token)).Items.All(s => s.Meta.Controller?.Uid == again.Meta.Uid));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_disruption_budget_counts_and_the_eviction_beyond_it_is_refused(string name)
    {
        await using var world = await World.OpenAsync(name);
        await world.CreateAsync(A.Workload(Kinds.Deployment, "d", 2));
        await world.CreateAsync(A.Object(Kinds.PodDisruptionBudget, "b").With("spec", """{"minAvailable":2,"selector":{"matchLabels":{"app":"d"}}}"""));
        var pods = await world.PodsAsync("two pods", static p => p.Count == 2);
        foreach (var pod in pods) await world.SetAsync(pod, Running);
        var status = await world.StatusAsync(Kinds.PodDisruptionBudget, "b", "two healthy", static s => s.Integer("currentHealthy") == 2);
        Assert.Equal((2L, 2L, 0L, "InsufficientPods"), (status.Integer("expectedPods"), status.Integer("desiredHealthy"), status.Integer("disruptionsAllowed"), Conditions.Find(status, "DisruptionAllowed")!.Reason));
        var refused = await Assert.ThrowsAsync<ApiException>(() => EvictAsync(world, pods[0]));
        Assert.Equal(429, refused.Status.Code);
    }

    private static Task<KubeObject> EvictAsync(World world, KubeObject pod) => world.Client.CreateAsync(
        new ResourceKind("", "v1", "Eviction", $"pods/{pod.Meta.Name}/eviction"),
        KubeObject.From(new JsonObject { ["apiVersion"] = "policy/v1", ["kind"] = "Eviction", ["metadata"] = new JsonObject { ["name"] = pod.Meta.Name, ["namespace"] = pod.Meta.Namespace } }),
        World.Token);

    private static JsonObject Running => new()
    {
        ["phase"] = "Running",
        ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True", ["lastTransitionTime"] = "2026-01-01T00:00:00Z" }),
    };

    private static JsonObject Ended(string phase, int exitCode) => new()
    {
        ["phase"] = phase,
        ["containerStatuses"] = new JsonArray(new JsonObject
        {
            ["name"] = "main", ["image"] = "example/image", ["imageID"] = "", ["ready"] = false, ["restartCount"] = 0,
            ["state"] = new JsonObject { ["terminated"] = new JsonObject { ["exitCode"] = exitCode, ["finishedAt"] = "2026-01-01T00:00:00Z" } },
        }),
    };

    /// <summary>A namespace of a server with its controllers.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly Target _target;
        private readonly LocalControllers? _controllers;

        private World(Target target, LocalControllers? controllers, string ns) => (_target, _controllers, Namespace) = (target, controllers, ns);

        public static CancellationToken Token => TestContext.Current.CancellationToken;

        public string Namespace { get; }
        public KubeClient Client => _target.Client;

        public static async Task<World> OpenAsync(string name)
        {
            var target = await Target.OpenAsync(name);
            var world = new World(target, name == Target.Real ? null : new LocalControllers(target), $"controllers-{Guid.NewGuid():N}"[..24]);
            await target.Client.CreateAsync(Kinds.Namespace, A.Namespace(world.Namespace), Token);
            await world.UntilAsync("the namespace's account", async () => (await target.Client.ListAsync(Kinds.ServiceAccount, world.Namespace, new ListOptions(), Token)).Items.Count > 0);
            return world;
        }

        public Task<KubeObject> CreateAsync(ObjectBuilder obj) => Client.CreateAsync(obj.Kind, obj.In(Namespace), Token);

        public Task<KubeObject> PatchAsync(ResourceKind kind, string name, string json) =>
            Client.PatchAsync(kind, Namespace, name, Patch.Strategic((JsonObject)JsonNode.Parse(json)!), null, Token);

        public Task<KubeObject> SetAsync(KubeObject pod, JsonObject status) =>
            Client.PatchAsync(Kinds.Pod, Namespace, pod.Meta.Name, Patch.Merge(new JsonObject { ["status"] = status }), "status", Token);

        /// <summary>The pods, once they are as expected.</summary>
        public async Task<IReadOnlyList<KubeObject>> PodsAsync(string what, Func<IReadOnlyList<KubeObject>, bool> holds)
        {
            IReadOnlyList<KubeObject> pods = [];
            await UntilAsync(what, async () => holds(pods = (await Client.ListAsync(Kinds.Pod, Namespace, new ListOptions(), Token)).Items));
            return pods;
        }

        /// <summary>An object's status, once it is as expected.</summary>
        public async Task<System.Text.Json.JsonElement> StatusAsync(ResourceKind kind, string name, string what, Func<System.Text.Json.JsonElement, bool> holds)
        {
            System.Text.Json.JsonElement status = default;
            await UntilAsync($"{name}: {what}", async () => holds(status = (await Client.GetAsync(kind, Namespace, name, Token)).Root.At("status")));
            return status;
        }

        public async Task UntilAsync(string what, Func<Task<bool>> holds)
        {
            var end = DateTime.UtcNow + Patience;
            while (!await holds())
            {
                if (DateTime.UtcNow > end) Assert.Fail($"{what}: not within {Patience.TotalSeconds} s");
                await Task.Delay(50, Token);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DeleteAsync(Kinds.Namespace, null, Namespace, new DeleteOptions(), CancellationToken.None);
            if (_controllers is not null) await _controllers.DisposeAsync();
            await _target.DisposeAsync();
        }
    }
}
