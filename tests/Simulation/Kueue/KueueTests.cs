using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;

namespace Simulation;

/// <summary>The contract that Kueue relies on (spec 2.9), kept to an actor that does and reads what Kueue does and reads.</summary>
public sealed class KueueTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Two flavours of two nodes each, which only pods that tolerate their taint may use.</summary>
    private static readonly SimulationOptions Options = new(31)
    {
        NodeSpecs = [.. new[] { "red", "red", "blue", "blue" }.Select(static (flavour, i) => new VirtualNodeSpec($"node-{i}")
        {
            Labels = ImmutableSortedDictionary<string, string>.Empty.Add("flavour", flavour),
            Taints = [("flavour", flavour, "NoSchedule")],
        })],
    };

    [Fact]
    public async Task A_queued_job_starts_nothing_and_is_not_active_until_it_is_admitted()
    {
        await using var world = new SimulatedCluster(Options);
        var kueue = new ActingKueue(world, "pi");
        kueue.Submit(MpiJobs.Job("pi"));
        world.RunFor(TimeSpan.FromMinutes(30));

        Assert.Empty(kueue.Pods);
        Assert.False(kueue.IsActive);
        Assert.False(kueue.PodsReady);
        Assert.Null(kueue.Finished);
        Assert.True(MpiJobs.Has(kueue.Job, "Suspended"));
        Assert.False(kueue.Job.Root.Has("status", "startTime"));
    }

    [Fact]
    public async Task What_an_admission_injects_reaches_launcher_and_workers_and_the_end_is_told_with_its_message()
    {
        await using var world = new SimulatedCluster(Options);
        var kueue = new ActingKueue(world, "pi");
        kueue.Submit(MpiJobs.Job("pi"));
        world.RunUntil(() => MpiJobs.Has(kueue.Job, "Suspended"), Patience, "the job is suspended");
        kueue.Admit("red");
        world.RunUntil(() => kueue.PodsReady, Patience, "pods ready");

        Assert.True(kueue.IsActive);
        Assert.Equal(["pi-launcher", "pi-worker-0", "pi-worker-1"], kueue.Pods.Select(static p => p.Root.Text("spec", "hostname")!).Order());
        Assert.All(kueue.Pods, static pod =>
        {
            Assert.Contains(pod.Root.Text("spec", "nodeName"), new[] { "node-0", "node-1" });
            Assert.Equal("mpijob-pi", pod.Meta.Annotations["kueue.x-k8s.io/workload"]);
            Assert.Equal(pod.Meta.Labels["training.kubeflow.org/job-role"], pod.Meta.Labels["kueue.x-k8s.io/podset"]);
        });

        world.RunUntil(() => kueue.Finished is not null, Patience, "the end");
        Assert.Equal("MPIJob default/pi successfully completed.", kueue.Finished);
        Assert.False(kueue.IsActive);
    }

    [Fact]
    public async Task An_evicted_job_is_inactive_only_when_its_pods_are_gone_and_runs_elsewhere_with_nothing_left_of_the_first_place()
    {
        await using var world = new SimulatedCluster(Options with { Launcher = Options.Launcher with { StopTime = TimeSpan.FromSeconds(7) } });
        var kueue = new ActingKueue(world, "pi");
        kueue.Submit(MpiJobs.Job("pi", cleanPodPolicy: "None"));
        foreach (var flavour in (string[])["red", "blue", "red"])
        {
            world.RunUntil(() => MpiJobs.Has(kueue.Job, "Suspended") && !kueue.IsActive, Patience, "the job is suspended");
            Assert.DoesNotContain(kueue.Pods, static p => p.Root.Text("status", "phase") == "Running" && p.Meta.Labels["training.kubeflow.org/job-role"] == "launcher");
            kueue.Admit(flavour);
            world.RunUntil(() => kueue.PodsReady && !MpiJobs.Has(kueue.Job, "Suspended"), Patience, $"pods ready on {flavour}");
            Assert.Equal(3, kueue.Pods.Count());
            Assert.All(kueue.Pods, pod =>
            {
                Assert.Equal(flavour, pod.Root.Text("spec", "nodeSelector", "flavour"));
                Assert.Single(pod.Root.Items("spec", "tolerations"), static t => t.Text("key") == "flavour");
            });

            kueue.Evict();
        }

        world.RunUntil(() => !kueue.IsActive && !kueue.Pods.Any(), Patience, "nothing active and no pod");
        Assert.False(kueue.PodsReady);
        Assert.Null(kueue.Finished);
        Assert.Equal(1, kueue.Job.Root.Integer("status", "attempt", "number"));
    }

    [Fact]
    public async Task Pods_behind_a_topology_gate_wait_for_their_place_and_the_job_for_its_pods()
    {
        await using var world = new SimulatedCluster(Options);
        var kueue = new ActingKueue(world, "pi");
        kueue.Submit(MpiJobs.Job("pi"));
        world.RunUntil(() => MpiJobs.Has(kueue.Job, "Suspended"), Patience, "the job is suspended");
        kueue.Admit("blue", topologyGate: true);
        world.RunFor(TimeSpan.FromMinutes(20));
        Assert.Equal(3, kueue.Pods.Count());
        Assert.All(kueue.Pods, static p => Assert.Null(p.Root.Text("spec", "nodeName")));
        Assert.False(kueue.PodsReady);
        Assert.False(kueue.IsActive);

        kueue.Ungate("node-3");
        world.RunUntil(() => kueue.PodsReady, Patience, "pods ready");
        Assert.All(kueue.Pods, static p => Assert.Equal("node-3", p.Root.Text("spec", "nodeName")));
    }

    [Fact]
    public async Task A_launcher_that_waits_for_workers_waits_after_an_admission_too()
    {
        await using var world = new SimulatedCluster(Options with { Worker = Options.Worker with { ReadyDelay = TimeSpan.FromSeconds(30) } });
        var kueue = new ActingKueue(world, "pi");
        var job = MpiJobs.Job("pi");
        job["spec"]!["launcherCreationPolicy"] = "WaitForWorkersReady";
        kueue.Submit(job);
        world.RunUntil(() => MpiJobs.Has(kueue.Job, "Suspended"), Patience, "the job is suspended");
        kueue.Admit("red");
        world.RunUntil(() => world.Observer.Pods("default", "pi", "launcher").Any(), Patience, "a launcher's pod");
        Assert.All(world.Observer.Pods("default", "pi", "worker"), static p => Assert.True(Conditions.IsTrue(p.Object.Root.At("status"), "Ready")));
    }

    [Fact]
    public async Task Of_a_job_that_another_cluster_runs_only_the_copied_status_is_ever_written()
    {
        await using var world = new SimulatedCluster(Options);
        var job = MpiJobs.Job("pi");
        job["spec"]!["runPolicy"]!["managedBy"] = "kueue.x-k8s.io/multikueue";
        var kueue = new ActingKueue(world, "pi");
        kueue.Submit(job);
        world.RunFor(TimeSpan.FromMinutes(5));
        Assert.False(kueue.Job.Root.Has("status"));

        // MultiKueue copies what the other cluster says, and unsuspends the local job at the end.
        var remote = (JsonObject)JsonNode.Parse("""
            {"conditions": [{"type": "Running", "status": "True", "reason": "MPIJobRunning", "message": "MPIJob default/pi is running.",
              "lastUpdateTime": "2026-03-01T12:00:00Z", "lastTransitionTime": "2026-03-01T12:00:00Z"}],
             "replicaStatuses": {"Launcher": {"active": 1}, "Worker": {"active": 2}}, "startTime": "2026-03-01T12:00:00Z"}
            """)!;
        await world.Admin.PatchAsync(MpiJobs.Kind, "default", "pi", Patch.Merge(new JsonObject { ["status"] = remote.DeepClone() }), "status", CancellationToken.None);
        await world.Admin.PatchAsync(MpiJobs.Kind, "default", "pi", Patch.Merge((JsonObject)JsonNode.Parse("""{"spec":{"runPolicy":{"suspend":false}}}""")!), null, CancellationToken.None);
        world.RunFor(TimeSpan.FromMinutes(90));

        Assert.True(JsonNode.DeepEquals(remote, kueue.Job.ToTree()["status"]));
        Assert.Equal(0, world.Operator.Writes);
        Assert.Empty(kueue.Pods);
        Assert.True(kueue.IsActive && kueue.PodsReady);
    }

    [Fact]
    public async Task However_the_operator_fares_each_admission_runs_the_job_and_each_eviction_frees_it()
    {
        for (var seed = 1; seed <= 8; seed++)
        {
            var random = new Random(seed);
            var left = 10;
            await using var world = new SimulatedCluster(Options with
            {
                Seed = seed,
                Faults = new Faults
                {
                    Name = "kueue",
                    CrashAfter = [random.Next(1, 20), random.Next(20, 60)],
                    OnWrite = (_, _) => random.Next(5) > 0 || --left < 0 ? null : random.Next(2) == 0 ? Fault.Conflict() : Fault.TimeoutAfterLanding(),
                },
            });
            var kueue = new ActingKueue(world, "pi");
            kueue.Submit(MpiJobs.Job("pi"));
            for (var round = 0; round < 3; round++)
            {
                world.RunUntil(() => MpiJobs.Has(kueue.Job, "Suspended") && !kueue.IsActive, Patience, "the job is suspended");
                kueue.Admit(round % 2 == 0 ? "red" : "blue");
                // An eviction may come at any moment, also before anything runs.
                world.RunFor(TimeSpan.FromSeconds(random.Next(0, 15)));
                if (kueue.Finished is not null) break;
                kueue.Evict();
            }

            if (kueue.Finished is null)
            {
                world.RunUntil(() => MpiJobs.Has(kueue.Job, "Suspended") && !kueue.IsActive && !kueue.Pods.Any(), Patience, "nothing active and no pod");
                kueue.Admit("blue");
            }

            world.RunUntil(() => kueue.Finished is not null && !kueue.IsActive, Patience, "the end");
            Assert.Equal("MPIJob default/pi successfully completed.", kueue.Finished);
        }
    }
}
