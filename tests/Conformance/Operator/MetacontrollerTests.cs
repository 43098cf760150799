using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.Dialects;

namespace Conformance;

/// <summary>MPIJobs of skatelescope.org, by the operator with the rights of deploy/install.yaml and deploy/metacontroller.yaml alone; the StatefulSet and Job controllers are the server's own.</summary>
[Collection(OperatorCollection.Name)]
public sealed class MetacontrollerTests
{
    private static readonly ResourceKind[] Children = [Kinds.Pod, Kinds.Job, Kinds.StatefulSet, Kinds.Service, Kinds.ConfigMap, Kinds.Secret, Kinds.ServiceAccount, Kinds.Role, Kinds.RoleBinding];

    public static TheoryData<string> Targets => Target.WithAddress;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_StatefulSets_workers_are_brought_up_lost_replaced_and_kept_to_the_end(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name, "metacontroller.yaml");
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.Admin.CreateAsync(MetacontrollerDialect.MpiJob, KubeObject.From(Hello(ground.Namespace)), Token);

        // The server takes every object as it is: two workers, then the launcher.
        await RunAsync(ground, "worker", 2);
        var launcher = Assert.Single(await RunAsync(ground, "launcher", 1));
        await UntilAsync(ground, "Running");
        Assert.Equal("mpioperator-hello-launcher", launcher.Meta.Labels["job-name"]);
        Assert.Equal("mpioperator-hello-worker-0 slots=2\nmpioperator-hello-worker-1 slots=2\n", (await ground.Admin.GetAsync(Kinds.ConfigMap, ground.Namespace, "mpioperator-hello-config", Token)).Root.Text("data", "hostfile"));

        // A worker is deleted: the StatefulSet makes another one, and the gang starts anew. Clocks may differ, and timestamps are whole seconds, so
        // a successor counts as one only when it is some seconds younger than the launcher's start.
        var started = new JsonObject { ["running"] = new JsonObject { ["startedAt"] = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) } };
        var container = new JsonObject { ["name"] = "hello", ["image"] = "example/openmpi:4", ["imageID"] = "", ["ready"] = true, ["restartCount"] = 0, ["state"] = started };
        await ground.Admin.PatchAsync(Kinds.Pod, ground.Namespace, launcher.Meta.Name, Patch.Merge(new JsonObject { ["status"] = new JsonObject { ["containerStatuses"] = new JsonArray((JsonNode)container) } }), "status", Token);
        await Task.Delay(TimeSpan.FromSeconds(4), Token);
        await ground.Admin.DeleteAsync(Kinds.Pod, ground.Namespace, "mpioperator-hello-worker-1", new DeleteOptions(GracePeriod: TimeSpan.Zero), Token);
        await ground.UntilAsync("the second attempt", async () => (await JobAsync(ground)).Root.Integer("status", "attempt", "number") == 2);
        await EndAsync(ground, launcher.Meta.Name);
        await RunAsync(ground, "worker", 2);
        launcher = Assert.Single(await RunAsync(ground, "launcher", 1));
        await UntilAsync(ground, "Running");

        // The end, in the old letters; the workers stay.
        await ground.SetPhaseAsync(launcher, "Succeeded");
        await UntilAsync(ground, "Succeeded");
        var status = (await JobAsync(ground)).Root.At("status");
        Assert.Equal(("Finished", "Complete", "succeeded"), (status.Text("job", "state"), status.Text("job", "status"), status.Text("job", "success")));
        Assert.Equal(2, (await PodsAsync(ground, "worker")).Count);

        await ground.Admin.DeleteAsync(MetacontrollerDialect.MpiJob, ground.Namespace, "hello", new DeleteOptions(Propagation: "Background"), Token);
        await ground.UntilAsync("no worker asked for", async () => !(await ground.NamesAsync(Kinds.StatefulSet)).Any());
        foreach (var pod in await PodsAsync(ground, "worker")) await EndAsync(ground, pod.Meta.Name);
        foreach (var kind in Children) await ground.UntilAsync($"the end of its {kind.Plural}", async () => !(await ground.NamesAsync(kind)).Any(static n => n.StartsWith("mpioperator-", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_variable_that_was_not_replaced_reaches_the_condition(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name, "metacontroller.yaml");
        await using var process = await OperatorChild.StartAsync(ground);
        var job = Hello(ground.Namespace);
        job["spec"]!["replicas"] = "${REPLICAS}";
        await ground.Admin.CreateAsync(MetacontrollerDialect.MpiJob, KubeObject.From(job), Token);

        await UntilAsync(ground, "Invalid");
        Assert.Contains("holds the variable ${REPLICAS}, which was not replaced", Conditions.Find((await JobAsync(ground)).Root.At("status"), "Invalid")!.Message, StringComparison.Ordinal);
    }

    private static Task<KubeObject> JobAsync(MpiJobGround ground) => ground.Admin.GetAsync(MetacontrollerDialect.MpiJob, ground.Namespace, "hello", Token);

    private static Task UntilAsync(MpiJobGround ground, string condition) =>
        ground.UntilAsync($"condition {condition}", async () => Conditions.IsTrue((await JobAsync(ground)).Root.At("status"), condition));

    private static async Task<List<KubeObject>> PodsAsync(MpiJobGround ground, string role) =>
        [.. (await ground.Admin.ListAsync(Kinds.Pod, ground.Namespace, new ListOptions($"mpi_role_type={role}"), Token)).Items.Where(static p => p.Meta.DeletionTimestamp is null)];

    /// <summary>Waits for so many pods of a role, and has them run as kubelets would.</summary>
    private static async Task<List<KubeObject>> RunAsync(MpiJobGround ground, string role, int count)
    {
        List<KubeObject> pods = [];
        await ground.UntilAsync($"{count} pods of role {role}", async () => (pods = await PodsAsync(ground, role)).Count == count);
        foreach (var pod in pods.Where(static p => p.Root.Text("status", "phase") != "Running")) await ground.SetPhaseAsync(pod, "Running");
        return pods;
    }

    /// <summary>Ends a pod as its kubelet would, where the server waits for one; else the garbage collector may have been faster.</summary>
    private static async Task EndAsync(MpiJobGround ground, string pod)
    {
        try
        {
            await ground.Admin.DeleteAsync(Kinds.Pod, ground.Namespace, pod, new DeleteOptions(GracePeriod: TimeSpan.Zero), Token);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            // Gone already.
        }
    }

    private static JsonObject Hello(string ns) => (JsonObject)JsonNode.Parse($$$"""
        {
          "apiVersion": "skatelescope.org/v1", "kind": "MPIJob", "metadata": {"name": "hello", "namespace": "{{{ns}}}"},
          "spec": {"replicas": 2, "slots": 2, "template": {"metadata": {"labels": {"mpi-app": "do-the-thing"}}, "spec": {"containers": [{"name": "hello", "image": "example/openmpi:4", "command": ["mpiexec"], "args": ["hostname"]}]}} }
        }
        """)!;
}
