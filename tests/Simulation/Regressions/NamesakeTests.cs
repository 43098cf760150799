using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>
/// Jobs of one name in two namespaces. The old operator looked for workers by the job's name in all namespaces (mpi-operator 622, spec
/// 5.10): it listed the other job's hosts, and deleted the other job's pods.
/// </summary>
public sealed class NamesakeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Whatever_befalls_a_job_its_namesake_in_another_namespace_keeps_its_pods_its_hosts_and_its_status()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(61) { Launcher = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(1) } });
        world.Create(A.Namespace("other").Tree, Kinds.Namespace);
        foreach (var ns in (string[])["default", "other"]) world.Create(MpiJobs.Job("pi", 3, ns: ns, cleanPodPolicy: "All"), MpiJobs.Kind);
        foreach (var ns in (string[])["default", "other"]) world.RunUntil(() => IsRunning(world, ns), Patience, $"{ns}/pi runs");
        world.RunFor(TimeSpan.FromMinutes(2));
        Assert.Equal(3, Hosts(world, "default").Length);
        Assert.All(Hosts(world, "default"), static host => Assert.Contains(".pi.default.svc", host, StringComparison.Ordinal));
        var theirs = Everything(world);

        Edit(world, """{"spec":{"mpiReplicaSpecs":{"Worker":{"replicas":1}}}}""");
        world.RunUntil(() => Workers(world, "default") == 1 && Hosts(world, "default").Length == 1, Patience, "the job is smaller");
        Assert.Equal(theirs, Everything(world));

        SimulatedCluster.Now(world.Admin.DeleteAsync(Kinds.Pod, "default", "pi-worker-0", new DeleteOptions(), CancellationToken.None));
        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi")!.Root.Integer("status", "attempt", "number") == 2 && IsRunning(world, "default"), Patience, "the gang has started anew");
        Assert.Equal(theirs, Everything(world));

        Edit(world, """{"spec":{"runPolicy":{"suspend":true}}}""");
        world.RunUntil(() => Workers(world, "default") == 0, Patience, "the job is suspended");
        Assert.Equal(theirs, Everything(world));

        SimulatedCluster.Now(world.Admin.DeleteAsync(MpiJobs.Kind, "default", "pi", new DeleteOptions(), CancellationToken.None));
        world.RunUntil(() => world.Find(Kinds.ConfigMap, "pi-config") is null, Patience, "the job's objects are collected");
        world.RunFor(TimeSpan.FromMinutes(10));
        Assert.Equal(theirs, Everything(world));
    }

    /// <summary>The namesake and what is its own, to the last version.</summary>
    private static string Everything(SimulatedCluster world) => string.Join(
        '\n', world.Observer.Objects.Where(static o => o.Meta.Namespace == "other").Select(static o => $"{o.Kind} {o.Meta.Name} {o.Meta.Uid} {o.Meta.ResourceVersion}").Order(StringComparer.Ordinal));

    private static bool IsRunning(SimulatedCluster world, string ns) => world.Find(MpiJobs.Kind, "pi", ns) is { } job && MpiJobs.Has(job, "Running");

    private static int Workers(SimulatedCluster world, string ns) => world.Observer.Pods(ns, "pi", "worker").Count();

    private static string[] Hosts(SimulatedCluster world, string ns) =>
        (world.Find(Kinds.ConfigMap, "pi-config", ns)?.Root.Text("data", "hostfile") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static void Edit(SimulatedCluster world, string mergePatch) =>
        SimulatedCluster.Now(world.Admin.PatchAsync(MpiJobs.Kind, "default", "pi", Patch.Merge((JsonObject)JsonNode.Parse(mergePatch)!), null, CancellationToken.None));
}
