using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>The old operator kept every pod, Secret and ConfigMap of the cluster in its memory, and had the right to read them all.</summary>
public sealed class StrangersUnseenTests
{
    [Fact]
    public async Task Pods_ConfigMaps_and_Secrets_of_others_are_never_sent_to_the_operator()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(71) { Launcher = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(1) } });
        world.RunFor(TimeSpan.FromMinutes(1));
        Place(world, "alone");
        world.RunFor(TimeSpan.FromMinutes(5));
        Assert.Equal((0, 0, 0, 0), (world.Operator.Events("pods"), world.Operator.Events("configmaps"), world.Operator.Events("secrets"), world.Operator.Gets));

        // Nor when it has a job, which its own pods tell of.
        world.Create(MpiJobs.Job("pi"), MpiJobs.Kind);
        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, "Running"), TimeSpan.FromMinutes(5), "the job runs");
        world.RunFor(TimeSpan.FromMinutes(1));
        var events = world.Operator.Events("pods");
        Assert.NotEqual(0, events);
        Place(world, "beside");
        world.RunFor(TimeSpan.FromMinutes(1));
        Assert.Equal((events, 0, 0), (world.Operator.Events("pods"), world.Operator.Events("configmaps"), world.Operator.Events("secrets")));
    }

    private static void Place(SimulatedCluster world, string name)
    {
        foreach (var stranger in (ObjectBuilder[])[A.Pod(name), A.ConfigMap(name), A.Object(Kinds.Secret, name)]) world.Create(stranger.Tree, stranger.Kind);
    }
}
