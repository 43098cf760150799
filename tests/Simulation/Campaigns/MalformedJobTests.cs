using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace Simulation;

/// <summary>
/// Objects of which nothing but the name is as it should be: definitions of old releases had no types, and what was stored under them stays.
/// One such object ended the list of a typed client, and with it the whole operator (spec/ksonnet-prototypes.md 6).
/// </summary>
public sealed class MalformedJobTests
{
    private const string Template = """{"spec": {"containers": [{"name": "main", "image": "i"}]}}""";

    private static readonly (string Name, string Spec)[] Malformed =
    [
        ("spec-is-text", "\"none\""),
        ("spec-is-a-list", "[1, {\"a\": null}]"),
        ("spec-is-a-number", "7"),
        ("specs-are-a-list", """{"mpiReplicaSpecs": [{"Launcher": 1}]}"""),
        ("roles-are-text", """{"mpiReplicaSpecs": {"Launcher": "one", "Worker": true}}"""),
        ("replicas-are-text", """{"mpiReplicaSpecs": {"Launcher": {"template": TEMPLATE}, "Worker": {"replicas": "two", "template": TEMPLATE}}}"""),
        ("template-is-a-number", """{"mpiReplicaSpecs": {"Launcher": {"template": 4}, "Worker": {"replicas": 1, "template": []}}}"""),
        ("containers-are-text", """{"mpiReplicaSpecs": {"Launcher": {"template": {"spec": {"containers": "main"}}}}}"""),
        ("containers-are-numbers", """{"mpiReplicaSpecs": {"Launcher": {"template": {"spec": {"containers": [1, null, "x"]}}}}}"""),
        ("command-is-text", """{"mpiReplicaSpecs": {"Launcher": {"template": {"spec": {"containers": [{"name": "main", "command": "mpirun,a"}]}}}}}"""),
        ("words-are-numbers", """{"mpiReplicaSpecs": {"Launcher": {"template": {"spec": {"containers": [{"name": "main", "command": ["mpirun"], "args": [1, true, {}, null]}]}}}}}"""),
        ("policy-is-a-list", """{"runPolicy": [], "slotsPerWorker": {}, "mpiReplicaSpecs": {"Launcher": {"template": TEMPLATE}}}"""),
        ("labels-are-text", """{"mpiReplicaSpecs": {"Launcher": {"template": {"metadata": {"labels": "a=b"}, "spec": {"containers": [{"name": "main"}]}}}}}"""),
        ("old-shape", """{"gpus": 16, "template": {"spec": {"containers": [{"name": "main", "command": "mpirun"}]}}}"""),
    ];

    private static readonly string[] Statuses = ["\"done\"", "[]", """{"conditions": "Succeeded"}""", """{"conditions": [1, {"type": 2, "status": true}], "replicaStatuses": [], "startTime": 7, "attempt": "first"}"""];

    [Fact]
    public async Task Whatever_a_definition_without_types_lets_through_gets_a_condition_and_stops_no_other_job()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(3));
        TakeTypesAway(world);
        foreach (var (name, spec) in Malformed) world.Create(Job(name, spec), MpiJobs.Kind);
        EndsWell(world, "good");
        AllAreAnswered(world);

        // The next operator finds them as items of a list, with statuses that nobody wrote so.
        for (var i = 0; i < Malformed.Length; i++)
        {
            var status = new JsonObject { ["status"] = JsonNode.Parse(Statuses[i % Statuses.Length]) };
            SimulatedCluster.Now(world.Admin.PatchAsync(MpiJobs.Kind, "default", Malformed[i].Name, Patch.Merge(status), "status", CancellationToken.None));
        }

        world.Operator.Crash();
        EndsWell(world, "late");
        AllAreAnswered(world);
        Assert.Empty(world.Operator.Log.Errors);
    }

    private static void EndsWell(SimulatedCluster world, string name)
    {
        world.Create(MpiJobs.Job(name), MpiJobs.Kind);
        world.RunUntil(() => world.Find(MpiJobs.Kind, name) is { } job && MpiJobs.Has(job, "Succeeded"), TimeSpan.FromMinutes(5), $"the end of {name}");
        world.RunFor(TimeSpan.FromMinutes(2));
    }

    private static void AllAreAnswered(SimulatedCluster world) => Assert.All(Malformed, job =>
    {
        var found = world.Find(MpiJobs.Kind, job.Name)!;
        Assert.True(Conditions.Find(found.Root.At("status"), "Invalid") is { Status: "True", Message.Length: > 0 }, found.Root.GetRawText());
    });

    private static JsonObject Job(string name, string spec) => new()
    {
        ["apiVersion"] = MpiJobs.Kind.ApiVersion,
        ["kind"] = MpiJobs.Kind.Kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default" },
        ["spec"] = JsonNode.Parse(spec.Replace("TEMPLATE", Template, StringComparison.Ordinal)),
    };

    private static void TakeTypesAway(SimulatedCluster world) => SimulatedCluster.Now(world.Admin.PatchAsync(
        Kinds.CustomResourceDefinition, null, "mpijobs.kubeflow.org",
        Patch.Json((JsonArray)JsonNode.Parse("""[{"op": "replace", "path": "/spec/versions/0/schema", "value": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]""")!),
        null, CancellationToken.None));
}
