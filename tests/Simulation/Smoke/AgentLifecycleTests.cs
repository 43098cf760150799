using System.Text.Json.Nodes;
using Kube.Nodes.Virtual;
using Kube.Types;

namespace Simulation;

/// <summary>What a job over the agent goes through besides a plain run.</summary>
public sealed class AgentLifecycleTests
{
    [Fact]
    public async Task Suspended_it_has_no_pods_and_resumed_it_runs_to_its_end_by_the_same_address_and_keys()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(31) { Launcher = PodScript.RunsFor(TimeSpan.FromMinutes(1)) });
        world.Create(MpiJobs.OverAgent(MpiJobs.Job("pi", 3)), MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), TimeSpan.FromMinutes(5), "the job runs");
        var (service, secret) = (Uid(world, Kinds.Service), Uid(world, Kinds.Secret));

        Edit(world, """{"spec":{"runPolicy":{"suspend":true}}}""");
        world.RunUntil(() => Has(world, "Suspended") && Pods(world, "worker").Count + Pods(world, "launcher").Count == 0, TimeSpan.FromMinutes(5), "no pod is left");
        Assert.False(world.Find(MpiJobs.Kind, "pi")!.Root.Has("status", "replicaStatuses", "Worker", "active"));

        Edit(world, """{"spec":{"runPolicy":{"suspend":false}}}""");
        world.RunUntil(() => Has(world, "Succeeded"), TimeSpan.FromMinutes(10), "the job has succeeded");

        Assert.Equal((service, secret), (Uid(world, Kinds.Service), Uid(world, Kinds.Secret)));
        Assert.Equal(1, world.Find(MpiJobs.Kind, "pi")!.Root.Integer("status", "attempt", "number"));
    }

    [Fact]
    public async Task An_elastic_program_finds_the_workers_that_it_is_given_and_keeps_its_launcher()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(32) { Nodes = 8, Launcher = PodScript.RunsForever });
        var job = MpiJobs.OverAgent(MpiJobs.Job("pi", 2));
        job["spec"]!["mpiReplicaSpecs"]!["Launcher"]!["template"]!["spec"]!["containers"]![0]!["command"] =
            new JsonArray("horovodrun", "--host-discovery-script", "/etc/mpi/discover_hosts.sh", "python", "train.py");
        world.Create(job, MpiJobs.Kind);
        world.RunUntil(() => Has(world, "Running"), TimeSpan.FromMinutes(5), "the job runs");
        var launcher = Pods(world, "launcher").Single();

        foreach (var count in (int[])[5, 1, 3])
        {
            Edit(world, $$$"""{"spec":{"mpiReplicaSpecs":{"Worker":{"replicas":{{{count}}} } } } }""");
            var wanted = Enumerable.Range(0, count).Select(static i => $"pi-worker-{i}");
            world.RunUntil(() => Discovered(world).SequenceEqual(wanted), TimeSpan.FromMinutes(5), $"{count} workers are discovered");
        }

        Assert.Equal(launcher, Pods(world, "launcher").Single());
        Assert.All(world.Observer.Pods("default", "pi", "worker"), static pod => Assert.Contains(pod.Spec.Items("volumes"), static v => v.Text("secret", "secretName") == "pi-agent"));
    }

    private static IEnumerable<string> Discovered(SimulatedCluster world) =>
        (world.Find(Kinds.ConfigMap, "pi-config")!.Root.Text("data", "discover_hosts.sh") ?? "").Split('\n')
            .Where(static line => line.StartsWith("echo ", StringComparison.Ordinal)).Select(static line => line["echo ".Length..].Split('.')[0]);

    private static bool Has(SimulatedCluster world, string condition) => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, condition);

    private static List<string> Pods(SimulatedCluster world, string role) => [.. world.Observer.Pods("default", "pi", role).Select(static p => p.Meta.Uid)];

    private static string Uid(SimulatedCluster world, ResourceKind kind) => world.Find(kind, "pi-agent")!.Meta.Uid;

    private static void Edit(SimulatedCluster world, string patch) =>
        SimulatedCluster.Now(world.Admin.PatchAsync(MpiJobs.Kind, "default", "pi", Kube.Client.Patch.Merge((JsonObject)JsonNode.Parse(patch)!), null, CancellationToken.None));
}
