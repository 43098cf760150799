using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Conformance;

/// <summary>
/// Transport exec, by the operator with the rights of its account alone: Kubernetes lets nobody grant what he may not do himself, which only a real
/// server tells.
/// </summary>
[Collection(OperatorCollection.Name)]
public sealed class ExecRightsTests
{
    private static readonly ResourceKind[] Granted = [Kinds.ServiceAccount, Kinds.Role, Kinds.RoleBinding];
    private static readonly ResourceKind Review = new("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", Namespaced: false);

    public static TheoryData<string> Targets => Target.WithAddress;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_launcher_over_exec_may_run_commands_in_the_workers_of_its_job_and_do_nothing_else(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.CreateJobAsync(static s => s.Parent!["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/transport"] = "exec" });
        await ground.RunWorkersAsync();
        Assert.Equal("pi-launcher", (await ground.RunLauncherAsync()).Root.Text("spec", "serviceAccountName"));
        await UntilGrantedAsync(ground, "pi-worker-0", "pi-worker-1");

        // The local cluster enforces no RBAC.
        if (name == Target.Real)
        {
            foreach (var verb in (string[])["get", "create"]) Assert.True(await MayAsync(ground, verb, "pods", "pi-worker-1", "exec"));
            Assert.False(await MayAsync(ground, "create", "pods", "pi-worker-2", "exec"));
            Assert.False(await MayAsync(ground, "list", "pods"));
            Assert.False(await MayAsync(ground, "get", "secrets"));
        }

        await ground.EditJobAsync("""{"spec": {"mpiReplicaSpecs": {"Worker": {"replicas": 3}}}}""");
        await UntilGrantedAsync(ground, "pi-worker-0", "pi-worker-1", "pi-worker-2");

        await ground.Admin.DeleteAsync(MpiJobGround.MpiJob, ground.Namespace, "pi", new DeleteOptions(), Token);
        foreach (var kind in Granted) await ground.UntilAsync($"the end of its {kind.Kind}", async () => !(await ground.NamesAsync(kind)).Contains("pi-launcher"));
    }

    private static Task UntilGrantedAsync(MpiJobGround ground, params string[] workers) => ground.UntilAsync($"a Role for {string.Join(", ", workers)}", async () =>
        (await ground.Admin.ListAsync(Kinds.Role, ground.Namespace, new ListOptions(), Token)).Items.SingleOrDefault(static r => r.Meta.Name == "pi-launcher")
            is { } role && role.Root.Items("rules").FirstOrDefault().Words("resourceNames").SequenceEqual(workers));

    private static async Task<bool> MayAsync(MpiJobGround ground, string verb, string resource, string pod = "", string subresource = "")
    {
        var answer = await ground.Admin.CreateAsync(Review, KubeObject.From(new JsonObject
        {
            ["apiVersion"] = Review.ApiVersion,
            ["kind"] = Review.Kind,
            ["spec"] = new JsonObject
            {
                ["user"] = $"system:serviceaccount:{ground.Namespace}:pi-launcher",
                ["resourceAttributes"] = new JsonObject { ["namespace"] = ground.Namespace, ["verb"] = verb, ["resource"] = resource, ["name"] = pod, ["subresource"] = subresource },
            },
        }), Token);
        return answer.Root.Flag("status", "allowed") == true;
    }
}
