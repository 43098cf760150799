using System.Text.Json.Nodes;
using Kube.Types;

namespace Simulation;

/// <summary>
/// Under gang scheduling two manifests, which anyone who may create jobs can write, ended the old operator with all its jobs, at each
/// start again (spec 2.8; mpi-operator 669).
/// </summary>
public sealed class GangInputTests
{
    [Fact]
    public async Task Manifests_that_ended_the_old_operator_are_answered_and_the_job_beside_them_runs()
    {
        await using var world = new SimulatedCluster(GangWorld.Options);
        world.Create(GangWorld.Definition(), Kinds.CustomResourceDefinition);
        var alone = MpiJobs.Job("alone");
        ((JsonObject)alone["spec"]!["mpiReplicaSpecs"]!).Remove("Worker");
        alone["spec"]!["runPolicy"]!["schedulingPolicy"] = new JsonObject { ["minAvailable"] = -2 };
        world.Create(alone, MpiJobs.Kind);
        var third = MpiJobs.Job("third");
        third["spec"]!["mpiReplicaSpecs"]!["Chief"] = new JsonObject { ["template"] = third["spec"]!["mpiReplicaSpecs"]!["Worker"]!["template"]!.DeepClone() };
        world.Create(third, MpiJobs.Kind);
        world.Create(MpiJobs.Job("good"), MpiJobs.Kind);

        foreach (var name in (string[])["good", "third"])
        {
            world.RunUntil(() => world.Find(MpiJobs.Kind, name) is { } job && MpiJobs.Has(job, "Succeeded"), TimeSpan.FromMinutes(10), $"the end of {name}");
        }

        world.RunFor(TimeSpan.FromMinutes(10));
        Assert.Equal("GangImpossible", Conditions.Find(world.Find(MpiJobs.Kind, "alone")!.Root.At("status"), "Blocked")!.Reason);
        Assert.Empty(world.Operator.Log.Errors);
        Assert.Equal(0, world.Operator.Crashes);
    }
}
