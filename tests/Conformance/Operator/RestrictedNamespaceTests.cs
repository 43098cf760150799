using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Conformance;

/// <summary>
/// A namespace in which Pod Security <c>restricted</c> is enforced and quotas have room for the containers that the user wrote and for
/// nothing else: jobs of a restricted template are admitted all the same, whatever KubeMPI adds to their pods.
/// </summary>
[Collection(OperatorCollection.Name)]
public sealed class RestrictedNamespaceTests
{
    private const int PodsPerJob = 3;

    public static TheoryData<string, string> Cases => [.. Target.WithAddress.SelectMany(static row => new[] { "ssh", "agent" }, static (row, transport) => (row.Data, transport))];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_jobs_pods_are_admitted_within_the_quota_and_keep_their_quality_of_service(string name, string transport)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        await RestrictAsync(ground);
        await using var process = await OperatorChild.StartAsync(ground);

        await ground.CreateJobAsync(s => Describe(s, transport, """{"requests": {"cpu": "200m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}}"""), "guaranteed");
        await ground.CreateJobAsync(s => Describe(s, transport, """{"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "300m", "memory": "96Mi"}}"""), "burstable");
        await ground.CreateJobAsync(s => Describe(s, transport, "{}"), "best-effort");

        await ground.UntilAsync("the pods of three jobs", async () => (await PodsAsync(ground)).Count == 3 * PodsPerJob);
        var pods = await PodsAsync(ground);
        foreach (var (job, quality) in new[] { ("guaranteed", "Guaranteed"), ("burstable", "Burstable"), ("best-effort", "BestEffort") })
        {
            var own = pods.Where(p => p.Meta.Labels["training.kubeflow.org/job-name"] == job).ToList();
            Assert.Equal(PodsPerJob, own.Count);
            Assert.All(own, p => Assert.Equal(quality, p.Root.Text("status", "qosClass")));
        }

        // What was added is there, so that it is what was admitted.
        foreach (var pod in pods)
        {
            var isLauncher = pod.Meta.Labels["training.kubeflow.org/job-role"] == "launcher";
            Assert.Equal(isLauncher ? ["kubempi-deliver", "kubempi-gate"] : transport == "agent" ? ["kubempi-deliver"] : [], pod.Root.Items("spec", "initContainers").Select(static c => c.Text("name")));
        }

        // Nothing is left of the quotas, which therefore have counted all of it.
        foreach (var quota in new[] { "compute", "best-effort" })
        {
            await ground.UntilAsync($"quota {quota} used up", async () =>
                (await ground.Admin.GetAsync(Kinds.ResourceQuota, ground.Namespace, quota, TestContext.Current.CancellationToken)).Root.At("status") is var status
                && status.At("used").Members().All(m => status.Text("hard", m.Name) == m.Value.ToString()));
        }
    }

    private static async Task RestrictAsync(MpiJobGround ground)
    {
        var token = TestContext.Current.CancellationToken;
        await ground.Admin.PatchAsync(Kinds.Namespace, null, ground.Namespace, Patch.Merge((JsonObject)JsonNode.Parse("""{"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}""")!), null, token);
        // 3 x (200m + 100m), 3 x (64Mi + 32Mi), and so on.
        await QuotaAsync(ground, "compute", """{"scopes": ["NotBestEffort"], "hard": {"pods": "6", "requests.cpu": "900m", "requests.memory": "288Mi", "limits.cpu": "1500m", "limits.memory": "480Mi"}}""");
        await QuotaAsync(ground, "best-effort", """{"scopes": ["BestEffort"], "hard": {"pods": "3"}}""");

        // The server does enforce it.
        var refused = await Assert.ThrowsAsync<ApiException>(() => ground.Admin.CreateAsync(
            Kinds.Pod, KubeObject.From((JsonObject)JsonNode.Parse($$$"""{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain", "namespace": "{{{ground.Namespace}}}"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}""")!), token));
        Assert.Contains("violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"c\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities", refused.Message, StringComparison.Ordinal);
    }

    private static async Task QuotaAsync(MpiJobGround ground, string name, string spec)
    {
        await ground.Admin.CreateAsync(Kinds.ResourceQuota, KubeObject.From((JsonObject)JsonNode.Parse($$$"""{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "{{{name}}}", "namespace": "{{{ground.Namespace}}}"}, "spec": {{{spec}}} }""")!), TestContext.Current.CancellationToken);
        // A real server enforces what its quota controller has counted.
        await ground.UntilAsync($"quota {name} counted", async () => (await ground.Admin.GetAsync(Kinds.ResourceQuota, ground.Namespace, name, TestContext.Current.CancellationToken)).Root.Text("status", "hard", "pods") is not null);
    }

    /// <summary>Two workers and a launcher of one restricted template.</summary>
    private static void Describe(JsonObject spec, string transport, string resources)
    {
        ((JsonObject)spec.Parent!["metadata"]!)["annotations"] = new JsonObject { ["kubempi.dev/transport"] = transport };
        // Where the user's home is, as templates that do without root have it.
        spec["sshAuthMountPath"] = "/home/mpiuser/.ssh";
        foreach (var (role, replica) in (JsonObject)spec["mpiReplicaSpecs"]!)
        {
            replica!["template"]!["spec"] = JsonNode.Parse($$$"""
                {
                  "securityContext": {"runAsUser": 12345, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
                  "containers": [{
                    "name": "main", "image": "example/mpi", "resources": {{{resources}}},
                    "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}{{{(role == "Launcher" ? """, "command": ["mpirun", "hostname"]""" : "")}}}
                  }]
                }
                """);
        }
    }

    private static async Task<IReadOnlyList<KubeObject>> PodsAsync(MpiJobGround ground) => [.. await ground.PodsAsync("worker"), .. await ground.PodsAsync("launcher")];
}
