using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;

namespace Mpi.Operator.Tests;

public sealed class OtherOperatorsTests : IDisposable
{
    private readonly TestCluster _cluster = new();

    public void Dispose() => _cluster.Dispose();

    private Task<OtherOperators> Look() => OtherOperators.FindAsync(_cluster.Client, "mpi-operator", TestContext.Current.CancellationToken);

    private void Deploy(string name, string ns, string container, string[] arguments, bool labelled = false, int replicas = 1)
    {
        if (_cluster.Find(Kinds.Namespace, ns) is null) _cluster.Create(A.Namespace(ns));
        var label = labelled ? new JsonObject { ["control-plane"] = "kubeflow-training-operator" } : new JsonObject { ["app"] = name };
        _cluster.Create(Kinds.Deployment, KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "apps/v1",
            ["kind"] = "Deployment",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns, ["labels"] = label.DeepClone() },
            ["spec"] = new JsonObject
            {
                ["replicas"] = replicas,
                ["selector"] = new JsonObject { ["matchLabels"] = label.DeepClone() },
                ["template"] = new JsonObject
                {
                    ["metadata"] = new JsonObject { ["labels"] = label },
                    ["spec"] = new JsonObject { ["containers"] = new JsonArray((JsonNode)new JsonObject { ["name"] = container, ["image"] = "some/image", ["command"] = new JsonArray("/manager"), ["args"] = arguments.ToTree() }) },
                },
            },
        }));
    }

    [Fact]
    public async Task Alone_there_is_nothing_to_say()
    {
        Deploy("mpi-operator", "mpi-operator", "mpi-operator", ["--agent-image=x"]);
        Deploy("web", "shop", "web", []);
        var found = await Look();
        Assert.Empty(found.Refusals);
        Assert.Empty(found.Warnings);
    }

    [Theory]
    [InlineData("training-operator", false)]
    [InlineData("renamed", true)]
    public async Task A_training_operator_that_runs_all_its_kinds_is_refused_with_the_way_out(string name, bool labelled)
    {
        Deploy(name, "kubeflow", "training-operator", [], labelled);
        var refusal = Assert.Single((await Look()).Refusals);
        Assert.StartsWith("the training-operator in namespace kubeflow acts on MPIJobs of kubeflow.org/v1", refusal, StringComparison.Ordinal);
        Assert.Contains($"kubectl -n kubeflow patch deployment {name}", refusal, StringComparison.Ordinal);
        Assert.Contains("--force", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "--enable-scheme=tfjob", "--enable-scheme=MPIJob")]
    [InlineData(true, "-enable-scheme", "mpijob")]
    [InlineData(false, "--enable-scheme=tfjob", "--enable-scheme=pytorchjob")]
    public async Task Which_kinds_a_training_operator_runs_is_read_from_its_flags(bool refused, params string[] arguments)
    {
        Deploy("training-operator", "kubeflow", "training-operator", arguments, labelled: true);
        Assert.Equal(refused, !(await Look()).Refusals.IsEmpty);
    }

    [Fact]
    public async Task One_that_is_scaled_to_nothing_is_no_obstacle()
    {
        Deploy("training-operator", "kubeflow", "training-operator", [], labelled: true, replicas: 0);
        Deploy("old", "default", "mpi-operator", [], replicas: 0);
        var found = await Look();
        Assert.Empty(found.Refusals);
        Assert.Empty(found.Warnings);
    }

    [Fact]
    public async Task An_old_mpi_operator_is_warned_of_by_whatever_name_its_prototype_gave_it()
    {
        Deploy("my-operator", "default", "mpi-operator", ["--gpus-per-node", "8"]);
        var found = await Look();
        Assert.Empty(found.Refusals);
        Assert.Equal("Deployment default/my-operator runs another mpi-operator (some/image), which acts on the same jobs; remove it (kubectl -n default delete deployment my-operator)", Assert.Single(found.Warnings));
    }
}
