using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Mpi.Planning;

namespace Mpi.Operator.Tests;

/// <summary>What becomes of the answers to the question for a queue.</summary>
public sealed class GangQueuesTests : IDisposable
{
    private static readonly ResourceKind Queue = GangBackend.Named("kube-batch")!.QueueKind!;

    private readonly TestCluster _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [Fact]
    public async Task A_queue_is_there_or_missing_where_there_are_queues_and_hidden_from_whom_may_not_look()
    {
        Assert.Equal(QueueSighting.There, await LookAsync("night"));

        _cluster.Create(Kinds.CustomResourceDefinition, Definition());
        Assert.Equal(QueueSighting.Missing, await LookAsync("night"));
        _cluster.Create(Queue, KubeObject.From(new JsonObject { ["apiVersion"] = Queue.ApiVersion, ["kind"] = Queue.Kind, ["metadata"] = new JsonObject { ["name"] = "night" } }));
        Assert.Equal(QueueSighting.There, await LookAsync("night"));

        _cluster.Requests.OnRequest = static _ => new Fault.Refuse(new ApiStatus(403, ApiReason.Forbidden, "an injected refusal"));
        Assert.Equal(QueueSighting.Hidden, await LookAsync("night"));
        Assert.Equal(QueueSighting.Hidden, await LookAsync("none"));
    }

    [Fact]
    public async Task An_answer_is_remembered_and_that_there_is_none_for_a_shorter_time()
    {
        _cluster.Create(Kinds.CustomResourceDefinition, Definition());
        var queues = new GangQueues(_cluster.Client, _cluster.Clock);
        var asked = new QueueAsked(Queue, "night");
        for (var look = 0; look < 3; look++) await queues.LookAsync(asked, CancellationToken.None);
        Assert.Equal(1, _cluster.Requests.Count("get", Queue.Plural));

        _cluster.Clock.Advance(TimeSpan.FromSeconds(21));
        await queues.LookAsync(asked, CancellationToken.None);
        Assert.Equal(2, _cluster.Requests.Count("get", Queue.Plural));
    }

    private Task<QueueSighting> LookAsync(string name) => new GangQueues(_cluster.Client, _cluster.Clock).LookAsync(new QueueAsked(Queue, name), CancellationToken.None);

    private static KubeObject Definition() => KubeObject.From(Yaml.Read("""
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: { name: queues.scheduling.incubator.k8s.io }
        spec:
          group: scheduling.incubator.k8s.io
          scope: Cluster
          names: { kind: Queue, plural: queues }
          versions: [{ name: v1alpha1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }]
        """)[0].Root);
}
