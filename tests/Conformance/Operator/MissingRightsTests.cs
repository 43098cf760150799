using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Conformance;

/// <summary>
/// What an operator says at its start that somebody gave too few rights. Only a real API server withholds any: without one there is nothing to see here
/// (OperatorRightsTests has the pure part).
/// </summary>
[Collection(OperatorCollection.Name)]
public sealed class MissingRightsTests
{
    private static readonly ResourceKind AccessReview = new("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", Namespaced: false);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_right_that_was_taken_from_a_role_is_named_with_the_rule_that_brings_it_back()
    {
        if (Environment.GetEnvironmentVariable(Target.Variable) is not { Length: > 0 }) return;
        // All kinds of ours that the server may have from other tests, with their rights: of those, too, whatever is missing is told.
        await using var ground = await MpiJobGround.OpenAsync(Target.Real, "kube-batch.yaml", "metacontroller.yaml");
        var whole = new[] { await RoleAsync(ground, "mpi-operator"), await RoleAsync(ground, "mpi-operator-kube-batch") };
        try
        {
            await WithoutAsync(ground, whole[0], "batch", "jobs", "patch");
            await WithoutAsync(ground, whole[1], "scheduling.incubator.k8s.io", "mpis/status", "patch");
            await using var child = await OperatorChild.StartAsync(ground.Target);
            child.LacksRights = true;
            await ground.UntilAsync("the missing rights", () => Task.FromResult(child.Log.Contains("To mend it", StringComparison.Ordinal)));
            Assert.Contains(
                """
                kubempi operator: it lacks rights, and without them jobs stay undone. Missing, in the whole cluster:
                  - { apiGroups: ["batch"], resources: [jobs], verbs: [patch] }
                  - { apiGroups: ["scheduling.incubator.k8s.io"], resources: [mpis/status], verbs: [patch] }
                To mend it, add these rules to a role of the operator's ServiceAccount, or let kubempi install bring all that the operator needs
                """,
                child.Log, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var role in whole) await SetRulesAsync(ground, role.Meta.Name, (JsonArray)role.ToTree()["rules"]!.DeepClone());
        }

        // With all of them it has nothing to say. The rest of its log follows the questions, which are its first.
        await using var content = await OperatorChild.StartAsync(ground);
        await ground.CreateJobAsync();
        await ground.UntilConditionAsync("Created");
        Assert.DoesNotContain("lacks rights", content.Log, StringComparison.Ordinal);
    }

    private static Task<KubeObject> RoleAsync(MpiJobGround ground, string name) => ground.Admin.GetAsync(Kinds.ClusterRole, null, name, Token);

    private static Task SetRulesAsync(MpiJobGround ground, string role, JsonArray rules) =>
        ground.Admin.PatchAsync(Kinds.ClusterRole, null, role, Patch.Merge(new JsonObject { ["rules"] = rules }), null, CancellationToken.None);

    /// <summary>Takes one verb on one resource away, and waits until the server's authorizer has heard of it.</summary>
    private static async Task WithoutAsync(MpiJobGround ground, KubeObject role, string group, string resource, string verb)
    {
        var rules = (JsonArray)role.ToTree()["rules"]!.DeepClone();
        var rule = rules.Single(r => r!["apiGroups"]!.AsArray().Any(g => (string?)g == group) && r["resources"]!.AsArray().Any(n => (string?)n == resource))!;
        rule["verbs"]!.AsArray().RemoveAll(v => (string?)v == verb);
        if (rule["verbs"]!.AsArray().Count == 0) rules.Remove(rule);
        await SetRulesAsync(ground, role.Meta.Name, rules);

        var (plural, sub) = resource.Split('/') is [var p, var s] ? (p, s) : (resource, "");
        var review = KubeObject.From(new JsonObject
        {
            ["apiVersion"] = AccessReview.ApiVersion,
            ["kind"] = AccessReview.Kind,
            ["spec"] = new JsonObject
            {
                ["user"] = "system:serviceaccount:mpi-operator:mpi-operator",
                ["resourceAttributes"] = new JsonObject { ["group"] = group, ["resource"] = plural, ["subresource"] = sub, ["verb"] = verb },
            },
        });
        await ground.UntilAsync($"no right to {verb} {resource}", async () => (await ground.Admin.CreateAsync(AccessReview, review, Token)).Root.Flag("status", "allowed") == false);
    }
}
