using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Planning;

namespace Conformance;

/// <summary>kube-batch's MPI, by the operator with the rights of deploy/install.yaml and deploy/kube-batch.yaml alone; the Job controller is the server's own.</summary>
[Collection(OperatorCollection.Name)]
public sealed class KubeBatchTests
{
    private static readonly ResourceKind PodGroup = GangBackend.Named("kube-batch")!.Kinds[0];
    private static readonly ResourceKind[] Children = [Kinds.Pod, Kinds.Job, Kinds.Service, Kinds.ConfigMap, Kinds.Secret, Kinds.ServiceAccount, Kinds.Role, Kinds.RoleBinding, PodGroup];

    public static TheoryData<string> Targets => Target.WithAddress;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task One_Job_of_like_pods_is_made_made_anew_after_a_failure_and_ends_with_its_executor(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name, "kube-batch.yaml");
        await ground.DefineAsync(PodGroup);
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.Admin.CreateAsync(KubeBatchDialect.Mpi, KubeObject.From(Ring(ground.Namespace)), Token);

        // A gang, whose worker fails.
        var pods = await RunAsync(ground);
        Assert.Equal(["ring-0", "ring-1", "ring-2"], pods.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(3, (await ground.Admin.GetAsync(PodGroup, ground.Namespace, "ring-podgroup", Token)).Root.Integer("spec", "minMember"));
        await UntilAsync(ground, "Running");
        await ground.SetPhaseAsync(pods["ring-2"], "Failed");
        await ground.UntilAsync("the second attempt", async () => (await JobAsync(ground)).Root.Integer("status", "attempt", "number") == 2);

        // The next, whose executor ends well, and the others with it.
        var anew = await RunAsync(ground, except: pods.Values);
        foreach (var host in (string[])["ring-1", "ring-2", "ring-0"]) await ground.SetPhaseAsync(anew[host], "Succeeded");
        await UntilAsync(ground, "Succeeded");
        var status = (await JobAsync(ground)).Root.At("status");
        Assert.Equal((3, "3", 1), (status.Integer("job", "succeeded"), status.Text("descriptors", "hostfileEntries"), status.Integer("attempt", "failures")));
        Assert.Equal(anew["ring-0"].Meta.Name, status.Text("descriptors", "executor"));

        await ground.Admin.DeleteAsync(KubeBatchDialect.Mpi, ground.Namespace, "ring", new DeleteOptions(Propagation: "Background"), Token);
        foreach (var kind in Children) await ground.UntilAsync($"the end of its {kind.Plural}", async () => !(await ground.NamesAsync(kind)).Any(static n => n.StartsWith("ring", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_suspended_gang_comes_back_with_another_number_of_pods(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name, "kube-batch.yaml");
        await ground.DefineAsync(PodGroup);
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.Admin.CreateAsync(KubeBatchDialect.Mpi, KubeObject.From(Ring(ground.Namespace)), Token);
        var pods = await RunAsync(ground);

        await EditAsync(ground, """{"spec": {"job": {"suspend": true}}}""");
        await ground.UntilAsync("no pods", async () => (await ground.NamesAsync(Kinds.Pod)).Count == 0);
        await UntilAsync(ground, "Suspended");
        await EditAsync(ground, """{"spec": {"job": {"suspend": false, "parallelism": 2}}}""");

        Assert.Equal(["ring-0", "ring-1"], (await RunAsync(ground, count: 2, except: pods.Values)).Keys.Order(StringComparer.Ordinal));
        await UntilAsync(ground, "Running");
    }

    private static Task<KubeObject> JobAsync(MpiJobGround ground) => ground.Admin.GetAsync(KubeBatchDialect.Mpi, ground.Namespace, "ring", Token);

    private static Task EditAsync(MpiJobGround ground, string mergePatch) =>
        ground.Admin.PatchAsync(KubeBatchDialect.Mpi, ground.Namespace, "ring", Patch.Merge((JsonObject)JsonNode.Parse(mergePatch)!), null, Token);

    private static Task UntilAsync(MpiJobGround ground, string condition) =>
        ground.UntilAsync($"condition {condition}", async () => Conditions.IsTrue((await JobAsync(ground)).Root.At("status"), condition));

    /// <summary>Waits for the gang's pods, has them run as kubelets would, and returns them by their host names.</summary>
    private static async Task<Dictionary<string, KubeObject>> RunAsync(MpiJobGround ground, int count = 3, IEnumerable<KubeObject>? except = null)
    {
        var old = (except ?? []).Select(static p => p.Meta.Uid).ToHashSet(StringComparer.Ordinal);
        List<KubeObject> pods = [];
        await ground.UntilAsync($"{count} pods", async () =>
        {
            pods = [.. (await ground.Admin.ListAsync(Kinds.Pod, ground.Namespace, new ListOptions("job-type=mpi-job"), Token)).Items.Where(p => p.Meta.DeletionTimestamp is null && !old.Contains(p.Meta.Uid))];
            return pods.Count == count;
        });
        foreach (var pod in pods) await ground.SetPhaseAsync(pod, "Running");
        return pods.ToDictionary(static p => p.Root.Text("spec", "hostname")!, StringComparer.Ordinal);
    }

    private static JsonObject Ring(string ns) => (JsonObject)JsonNode.Parse($$$"""
        {
          "apiVersion": "scheduling.incubator.k8s.io/v1alpha1", "kind": "MPI", "metadata": {"name": "ring", "namespace": "{{{ns}}}"},
          "spec": {"job": {"parallelism": 3, "backoffLimit": 1, "template": {"spec": {"containers": [{"name": "mpi", "image": "example/mpich", "command": ["mpirun", "./ring"]}]}} } }
        }
        """)!;
}
