using System.Text.Json.Nodes;
using Kube.Types;

namespace Simulation;

/// <summary>Gang schedulers come and go with their definitions; the operator finds them by asking.</summary>
public sealed class GangTests
{
    [Fact]
    public async Task A_job_has_its_group_before_its_pods_and_for_two_writes_more()
    {
        await using var world = new SimulatedCluster(GangWorld.Options);
        world.Create(GangWorld.Definition(), Kinds.CustomResourceDefinition);
        world.Create(MpiJobs.Job("pi", 3), MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), TimeSpan.FromMinutes(5), "the job runs");
        Assert.Equal(4, Group(world)?.Root.Integer("spec", "minMember"));

        world.RunUntil(() => Has(world, "Succeeded") && Group(world) is null, TimeSpan.FromMinutes(10), "the job is over and its group gone");
        world.RunFor(TimeSpan.FromMinutes(10));
        Assert.True(world.Operator.Writes <= 3 + 12 + 2, string.Join("\n", world.Operator.WritesSeen));
    }

    [Fact]
    public async Task A_gang_scheduler_installed_later_is_found_and_the_waiting_job_starts()
    {
        await using var world = new SimulatedCluster(GangWorld.Options);
        world.Create(MpiJobs.Job("pi", 2), MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Blocked"), TimeSpan.FromMinutes(2), "the job says what it lacks");
        Assert.Empty(world.Observer.Pods("default", "pi", "worker"));

        world.Create(GangWorld.Definition(), Kinds.CustomResourceDefinition);
        world.RunUntil(() => Has(world, "Running") && !Has(world, "Blocked"), TimeSpan.FromMinutes(5), "the job runs");
    }

    [Fact]
    public async Task A_small_gang_asks_for_the_values_of_its_priority_classes()
    {
        await using var world = new SimulatedCluster(GangWorld.Options);
        world.Create(GangWorld.Definition(), Kinds.CustomResourceDefinition);
        world.Create((JsonObject)JsonNode.Parse("""{"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"high"},"value":7}""")!, Kinds.PriorityClass);
        var job = MpiJobs.Job("pi", 2);
        job["spec"]!["runPolicy"]!["schedulingPolicy"] = new JsonObject { ["minAvailable"] = 1 };
        var worker = (JsonObject)job["spec"]!["mpiReplicaSpecs"]!["Worker"]!["template"]!["spec"]!;
        worker["priorityClassName"] = "high";
        worker["containers"]![0]!["resources"] = JsonNode.Parse("""{"requests":{"memory":"1Mi"}}""");
        world.Create(job, MpiJobs.Kind);
        world.RunUntil(() => Group(world) is not null, TimeSpan.FromMinutes(2), "the group is made");

        Assert.Equal("1Mi", Group(world)!.Root.Text("spec", "minResources", "memory"));
    }

    private static KubeObject? Group(SimulatedCluster world) =>
        SimulatedCluster.Now(world.Admin.ListAsync(GangWorld.PodGroup, "default", new Kube.Client.ListOptions(), CancellationToken.None)).Items.SingleOrDefault();

    private static bool Has(SimulatedCluster world, string condition) => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, condition);
}
