using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Testing;
using Kube.Types;
using Mpi.Operator;

namespace Conformance;

/// <summary>
/// Profile legacy on a real API server, which alone asks a webhook: <c>kubempi operator</c> runs with the rights of deploy/install-legacy.yaml and no others.
/// Without such a server there is only the definition to look at.
/// </summary>
[Collection(OperatorCollection.Name)]
public sealed class LegacyProfileTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static bool HasServer => Environment.GetEnvironmentVariable(Target.Variable) is { Length: > 0 };

    [Fact]
    public async Task What_is_written_in_each_version_is_read_in_each_other_by_the_client_and_by_kubectl()
    {
        if (!HasServer) return;
        await using var ground = await LegacyGround.OpenAsync();
        await ground.InstallAsync();
        await using var child = await ground.StartAsync("--gpus-per-node=8");
        foreach (var written in LegacyGround.Versions)
        {
            var job = await ground.Admin.CreateAsync(LegacyGround.Kind(written), ground.Job(written, $"as-{written}"), Token);
            foreach (var read in LegacyGround.Versions)
            {
                var seen = await ground.Admin.GetAsync(LegacyGround.Kind(read), ground.Namespace, $"as-{written}", Token);
                Assert.Equal(($"kubeflow.org/{read}", job.Meta.Uid), (seen.ApiVersion, seen.Meta.Uid));
            }

            // Read back in its own version it is what was written.
            Assert.True(Contains(Tree(await ground.Admin.GetAsync(LegacyGround.Kind(written), ground.Namespace, $"as-{written}", Token))["spec"], Tree(ground.Job(written, "x"))["spec"]), written);
        }

        // The arithmetic of v1alpha1 by the ConfigMap that the flag has become: 16 GPUs are two workers of 8.
        var hub = await ground.Admin.GetAsync(LegacyGround.Kind("v2beta1"), ground.Namespace, "as-v1alpha1", Token);
        Assert.Equal(2, hub.Root.Integer("spec", "mpiReplicaSpecs", "Worker", "replicas"));

        foreach (var version in LegacyGround.Versions)
        {
            var names = await LegacyGround.KubectlAsync($"get mpijobs.{version}.kubeflow.org -n {ground.Namespace} -o jsonpath='{{.items[*].metadata.name}}'");
            foreach (var written in LegacyGround.Versions) Assert.Contains($"as-{written}", names, StringComparison.Ordinal);
        }

        // A list of more than one, and a write by an old client that goes through the stored version and back.
        Assert.Contains("as-v1alpha2", await LegacyGround.KubectlAsync($"get mj -n {ground.Namespace}"), StringComparison.Ordinal);
        await LegacyGround.KubectlAsync($"patch mpijobs.v1alpha2.kubeflow.org as-v1alpha2 -n {ground.Namespace} --type=merge -p '{{\"spec\":{{\"backoffLimit\":9}}}}'");
        Assert.Equal(9, (await ground.Admin.GetAsync(LegacyGround.Kind("v2beta1"), ground.Namespace, "as-v1alpha2", Token)).Root.Integer("spec", "runPolicy", "backoffLimit"));
        var patched = await ground.Admin.GetAsync(LegacyGround.Kind("v1alpha2"), ground.Namespace, "as-v1alpha2", Token);
        Assert.Equal("mpirun hostname", patched.Root.Items("spec", "mpiReplicaSpecs", "Launcher", "template", "spec", "containers").Single().Text("command"));
        Assert.Equal("IntelMPI", patched.Root.Text("spec", "mpiDistribution"));
    }

    [Theory]
    [InlineData("v1alpha1")]
    [InlineData("v1alpha2")]
    [InlineData("v1")]
    public async Task From_an_old_operators_definition_its_jobs_are_taken_over_rewritten_and_their_version_is_stored_no_more(string old)
    {
        if (!HasServer) return;
        const int Jobs = 120;
        await using var ground = await LegacyGround.OpenAsync();
        await ground.InstallOldAsync(old);
        for (var i = 0; i < Jobs; i++) await ground.Admin.CreateAsync(LegacyGround.Kind(old), ground.Job(old, $"job-{i:000}"), Token);
        var before = (await ground.Admin.ListAsync(LegacyGround.Kind(old), ground.Namespace, new ListOptions(), Token)).Items.ToDictionary(static o => o.Meta.Name);

        await ground.InstallAsync();
        Assert.Equal([old, "v2beta1"], (await ground.StoredVersionsAsync()).Order(StringComparer.Ordinal));
        await using var child = await ground.StartAsync();
        await LegacyGround.UntilAsync("storedVersions trimmed", async () => await ground.StoredVersionsAsync() is ["v2beta1"], () => child.Log);

        foreach (var (name, job) in before)
        {
            var after = await ground.Admin.GetAsync(LegacyGround.Kind(old), ground.Namespace, name, Token);
            Assert.Equal(job.Meta.Uid, after.Meta.Uid);
            Assert.NotEqual(job.Meta.ResourceVersion, after.Meta.ResourceVersion);
            Assert.True(Contains(Tree(after)["spec"], Tree(job)["spec"]), $"{Tree(after)["spec"]}\nwas\n{Tree(job)["spec"]}");
        }

        Assert.Contains($"rewriting what was stored as {old}", child.Log, StringComparison.Ordinal);
        // Nothing is stored in it any more, so that a definition without it is taken.
        await ground.EndConversionAsync();
        await ground.Installer.ApplyAsync([.. Mpi.Cli.OperatorManifests.Render(new Mpi.Cli.InstallOptions()).Where(static o => (string?)o["kind"] == "CustomResourceDefinition")], Token);
        await LegacyGround.UntilAsync("all jobs listed", async () =>
            (await ground.Admin.ListAsync(LegacyGround.Kind("v2beta1"), ground.Namespace, new ListOptions(), Token)).Items.Count(static o => o.Meta.Name.StartsWith("job-", StringComparison.Ordinal)) == Jobs);
    }

    [Fact]
    public async Task Keys_that_are_lost_and_made_anew_cost_no_read_and_no_write()
    {
        if (!HasServer) return;
        await using var ground = await LegacyGround.OpenAsync();
        await ground.InstallAsync();
        await using var child = await ground.StartAsync();
        await ground.Admin.CreateAsync(LegacyGround.Kind("v1"), ground.Job("v1", "pi"), Token);
        for (var round = 0; round < 3; round++)
        {
            var bundle = await BundleAsync(ground);
            await ground.Admin.DeleteAsync(Kinds.Secret, "mpi-operator", ConversionOptions.SecretName, new DeleteOptions(), Token);
            var reads = 0;
            for (var begin = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(begin) < TimeSpan.FromSeconds(60) && (reads < 20 || await BundleAsync(ground) == bundle); reads++)
            {
                foreach (var version in LegacyGround.Versions) await ground.Admin.GetAsync(LegacyGround.Kind(version), ground.Namespace, "pi", Token);
                await ground.Admin.CreateAsync(LegacyGround.Kind("v1alpha2"), ground.Job("v1alpha2", $"r{round}-{reads}"), Token);
            }

            Assert.NotEqual(bundle, await BundleAsync(ground));
        }
    }

    [Fact]
    public async Task With_the_webhook_dead_uninstalling_unblocks_reads_deletions_and_namespaces()
    {
        if (!HasServer) return;
        await using var ground = await LegacyGround.OpenAsync();
        await ground.InstallAsync();
        var other = $"{ground.Namespace}-b";
        await ground.Admin.CreateAsync(Kinds.Namespace, A.Namespace(other), Token);
        await using (await ground.StartAsync())
        {
            await ground.Admin.CreateAsync(LegacyGround.Kind("v1"), ground.Job("v1", "pi"), Token);
            var tree = Tree(ground.Job("v1", "there"));
            tree["metadata"]!["namespace"] = other;
            await ground.Admin.CreateAsync(LegacyGround.Kind("v1"), KubeObject.From(tree), Token);
        }

        // The words that docs/troubleshooting.md is searched for.
        var blocked = await Assert.ThrowsAsync<ApiException>(() => ground.Admin.GetAsync(LegacyGround.Kind("v1"), ground.Namespace, "pi", Token));
        Assert.Contains("conversion webhook for kubeflow.org/v2beta1, Kind=MPIJob failed", blocked.Message, StringComparison.Ordinal);

        var findings = await new Mpi.Cli.InstallationDoctor(ground.Admin, TimeProvider.System).ExamineAsync(Token);
        Assert.Contains(findings.All, static f => f.Verdict == Mpi.Cli.Verdict.Fault && f.What.StartsWith("jobs cannot be read or written as v1, v1alpha2, v1alpha1", StringComparison.Ordinal) && f.What.Contains("conversion webhook", StringComparison.Ordinal));

        await ground.EndConversionAsync();
        Assert.Equal("pi", (await ground.Admin.GetAsync(LegacyGround.Kind("v2beta1"), ground.Namespace, "pi", Token)).Meta.Name);
        // kubectl keeps for hours which versions there are, unless it is told to look; and what it finds follows the definition a moment later.
        await LegacyGround.UntilAsync("kubectl lists the job", async () =>
        {
            await LegacyGround.TryKubectlAsync("api-resources --api-group=kubeflow.org");
            return await LegacyGround.TryKubectlAsync($"get mpijobs -n {ground.Namespace} -o name") is (0, var names) && names.Contains("mpijob.kubeflow.org/pi", StringComparison.Ordinal);
        });
        await ground.Admin.DeleteAsync(LegacyGround.Kind("v2beta1"), ground.Namespace, "pi", new DeleteOptions(), Token);
        await ground.Admin.DeleteAsync(Kinds.Namespace, null, other, new DeleteOptions(), Token);
        await LegacyGround.UntilAsync("the namespace gone", async () => !(await ground.Admin.ListAsync(Kinds.Namespace, null, new ListOptions(), Token)).Items.Any(n => n.Meta.Name == other));
    }

    [Theory]
    [MemberData(nameof(Target.All), MemberType = typeof(Target))]
    public async Task In_the_default_profile_reading_deleting_collecting_and_ending_a_namespace_need_no_operator(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        var job = await ground.CreateJobAsync();
        Assert.NotEqual("Webhook", (await ground.Admin.GetAsync(Kinds.CustomResourceDefinition, null, ConversionOptions.Definition, Token)).Root.Text("spec", "conversion", "strategy"));
        var child = A.ConfigMap("child").Tree;
        var metadata = (JsonObject)child["metadata"]!;
        metadata["namespace"] = ground.Namespace;
        metadata["ownerReferences"] = new JsonArray((JsonNode)new JsonObject { ["apiVersion"] = job.ApiVersion, ["kind"] = job.Kind, ["name"] = job.Meta.Name, ["uid"] = job.Meta.Uid });
        await ground.Admin.CreateAsync(Kinds.ConfigMap, KubeObject.From(child), Token);

        Assert.Equal(job.Meta.Uid, (await ground.JobAsync()).Meta.Uid);
        await ground.Admin.DeleteAsync(MpiJobGround.MpiJob, ground.Namespace, "pi", new DeleteOptions(), Token);
        await ground.UntilAsync("the child collected", async () => !(await ground.NamesAsync(Kinds.ConfigMap)).Contains("child"));

        await ground.CreateJobAsync(jobName: "left");
        await ground.Admin.DeleteAsync(Kinds.Namespace, null, ground.Namespace, new DeleteOptions(), Token);
        await ground.UntilAsync("the namespace gone", async () => !(await ground.Admin.ListAsync(Kinds.Namespace, null, new ListOptions(), Token)).Items.Any(n => n.Meta.Name == ground.Namespace));
    }

    private static async Task<string?> BundleAsync(LegacyGround ground) => (await ground.DefinitionAsync()).Root.Text("spec", "conversion", "webhook", "clientConfig", "caBundle");

    private static JsonObject Tree(KubeObject obj) => obj.ToTree();

    /// <summary>Whether all that was written is there; defaults may have come to it.</summary>
    private static bool Contains(JsonNode? whole, JsonNode? part) => (whole, part) switch
    {
        (JsonObject a, JsonObject b) => b.All(m => a.ContainsKey(m.Key) && Contains(a[m.Key], m.Value)),
        (JsonArray a, JsonArray b) => a.Count == b.Count && a.Zip(b).All(static p => Contains(p.First, p.Second)),
        _ => JsonNode.DeepEquals(whole, part),
    };
}
