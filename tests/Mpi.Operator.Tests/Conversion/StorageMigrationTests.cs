using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Operator.Tests;

public sealed class StorageMigrationTests : IAsyncDisposable
{
    private readonly WebhookWorld _world = new();
    private readonly List<string> _said = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TestCluster Cluster => _world.Cluster;

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    private IReadOnlyList<string> Stored => Cluster.Get(Kinds.CustomResourceDefinition, ConversionOptions.Definition).Root.Words("status", "storedVersions");

    private void Store(int jobs, params string[] versions)
    {
        for (var i = 0; i < jobs; i++) Cluster.Create(KubeflowV2Beta1Dialect.MpiJob, KubeObject.Parse($$"""{"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "job-{{i:000}}", "namespace": "default"}, "spec": {"n": {{i}} } }"""));
        Cluster.Patch(Kinds.CustomResourceDefinition, ConversionOptions.Definition, new JsonObject { ["status"] = new JsonObject { ["storedVersions"] = versions.ToTree() } }.ToJsonString(), "status");
    }

    private (StorageMigration Migration, FaultInjectingHandler Requests) Start()
    {
        var (client, requests) = Cluster.Connect("migration");
        return (new StorageMigration(client, KubeflowV2Beta1Dialect.MpiJob, _said.Add), requests);
    }

    private static async Task<int> RunAsync(StorageMigration migration)
    {
        for (var steps = 1; steps < 100; steps++)
        {
            if (await migration.StepAsync(Token)) return steps;
        }

        throw new InvalidOperationException("it never ends");
    }

    [Fact]
    public async Task Every_object_is_rewritten_once_a_page_a_step_and_then_the_old_versions_go()
    {
        Store(250, "v1alpha2", "v1", "v2beta1");
        var (migration, requests) = Start();
        Assert.Equal(3, await RunAsync(migration));
        Assert.Equal(250, requests.Count("patch", "mpijobs"));
        Assert.Equal(["v2beta1"], Stored);
        Assert.Equal(
            ["mpijobs.kubeflow.org: rewriting what was stored as v1alpha2, v1", "mpijobs.kubeflow.org: 100 objects rewritten", "mpijobs.kubeflow.org: 200 objects rewritten", "mpijobs.kubeflow.org: 250 objects rewritten; all are stored as v2beta1 now"],
            _said);
    }

    [Fact]
    public async Task Where_nothing_is_outdated_nothing_is_done()
    {
        Store(3, "v2beta1");
        var (migration, requests) = Start();
        Assert.Equal(1, await RunAsync(migration));
        Assert.Equal(0, requests.Writes);
        Assert.Empty(_said);
    }

    [Fact]
    public async Task An_object_that_somebody_else_writes_or_deletes_is_done_with()
    {
        Store(3, "v1", "v2beta1");
        var (migration, requests) = Start();
        requests.OnRequest = call =>
        {
            if (call is { Verb: "patch", Name: "job-000" }) Cluster.Patch(KubeflowV2Beta1Dialect.MpiJob, "job-000", """{"spec": {"n": 7}}""");
            if (call is { Verb: "patch", Name: "job-001" }) Cluster.Delete(KubeflowV2Beta1Dialect.MpiJob, "job-001");
            return null;
        };
        await RunAsync(migration);
        Assert.Equal(["v2beta1"], Stored);
        Assert.Equal(7, Cluster.Get(KubeflowV2Beta1Dialect.MpiJob, "job-000").Root.Integer("spec", "n"));
        Assert.Null(Cluster.Find(KubeflowV2Beta1Dialect.MpiJob, "job-001"));
    }

    [Fact]
    public async Task An_object_that_the_server_refuses_is_named_and_its_version_stays()
    {
        Store(3, "v1", "v2beta1");
        var (migration, requests) = Start();
        requests.OnRequest = static call => call is { Verb: "patch", Name: "job-001" } ? new Fault.Refuse(new ApiStatus(422, ApiReason.Invalid, "spec is spoilt")) : null;
        await RunAsync(migration);
        Assert.Equal(["v1", "v2beta1"], Stored);
        Assert.Contains("2 objects rewritten; 1 cannot be, as the server says of default/job-001: spec is spoilt", _said[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trouble_is_the_callers_to_wait_out_and_the_next_step_goes_on()
    {
        Store(150, "v1", "v2beta1");
        var (migration, requests) = Start();
        var patches = 0;
        requests.OnRequest = call => call.Verb == "patch" && call.Resource == "mpijobs" && ++patches == 120 ? Fault.Unavailable() : null;
        Assert.False(await migration.StepAsync(Token));
        await Assert.ThrowsAsync<ApiException>(() => migration.StepAsync(Token));
        Assert.Equal(["v1", "v2beta1"], Stored);
        await RunAsync(migration);
        Assert.Equal(["v2beta1"], Stored);
        // The first page was not done again.
        Assert.InRange(patches, 151, 170);
    }

    [Fact]
    public async Task A_list_that_expires_begins_again()
    {
        Store(150, "v1", "v2beta1");
        var (migration, requests) = Start();
        var lists = 0;
        requests.OnRequest = call => call is { Verb: "list", Resource: "mpijobs" } && ++lists == 2 ? Fault.Gone() : null;
        await RunAsync(migration);
        Assert.Equal(["v2beta1"], Stored);
    }

    [Fact]
    public async Task A_definition_that_was_changed_meanwhile_is_not_trimmed_blindly()
    {
        Store(1, "v1", "v2beta1");
        var (migration, requests) = Start();
        requests.OnRequest = call => call is { Verb: "patch", Resource: "customresourcedefinitions/status" } ? Changed() : null;
        await Assert.ThrowsAsync<ApiException>(() => RunAsync(migration));
        Assert.Equal(["v1", "v2beta1"], Stored);

        Fault? Changed()
        {
            Cluster.Patch(Kinds.CustomResourceDefinition, ConversionOptions.Definition, """{"metadata": {"labels": {"x": "y"}}}""");
            return null;
        }
    }
}
