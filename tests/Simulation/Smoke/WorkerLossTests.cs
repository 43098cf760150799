using System.Text.Json.Nodes;
using Kube.Nodes.Virtual;
using Kube.Types;
using Mpi.Agent.Protocol;

namespace Simulation;

/// <summary>Jobs over the agent that lose a worker while their ranks run: the ranks start again, and the pods that survived are theirs.</summary>
public sealed class WorkerLossTests
{
    private const int Seed = 77;

    /// <summary>What the launcher's agent leaves behind when pi-worker-1's connection has ended.</summary>
    private static readonly PodScript DiesOfWorker1 = PodScript.RunsFor(
        TimeSpan.FromSeconds(20), exitCode: 1, new AgentReport { Launcher = new LauncherReport { Lost = [new LostWorker("pi-worker-1", "the connection was closed")] } }.ToTerminationMessage()) with
    {
        StartDelay = TimeSpan.FromSeconds(1),
    };

    private static readonly PodScript Succeeds = PodScript.RunsFor(TimeSpan.FromSeconds(20)) with { StartDelay = TimeSpan.FromSeconds(1) };
    private static readonly PodScript Worker = PodScript.RunsForever with { StartDelay = TimeSpan.FromSeconds(2) };

    /// <summary>Its container ends under the launcher, and once more never.</summary>
    private static readonly PodScript Fails = Worker with { Runs = [new ContainerRun(TimeSpan.FromSeconds(18), ExitCode: 137), new ContainerRun(null)] };

    [Theory]
    [InlineData("OnFailure", 0)]
    [InlineData("Never", 1)]
    public async Task A_worker_that_failed_costs_one_retry_and_only_pods_that_have_failed_are_made_anew(string restartPolicy, int anew)
    {
        await using var world = new SimulatedCluster(Losing(worker1Fails: true));
        var (before, after) = Play(world, spec => spec["mpiReplicaSpecs"]!["Worker"]!["restartPolicy"] = restartPolicy, backoffLimit: 1);

        Assert.Equal(before["pi-worker-0"], after["pi-worker-0"]);
        Assert.Equal(anew, before.Count(pod => after[pod.Key] != pod.Value));
        var status = world.Find(MpiJobs.Kind, "pi")!.Root.At("status");
        Assert.Equal((2, 1, null), (status.Integer("attempt", "number"), status.Integer("attempt", "failures"), status.Integer("attempt", "losses")));
    }

    [Fact]
    public async Task A_worker_that_was_cut_off_costs_no_retry_and_no_pod()
    {
        await using var world = new SimulatedCluster(Losing(worker1Fails: false));
        var (before, after) = Play(world, static _ => { }, backoffLimit: 0);

        Assert.Equal(before, after);
        var status = world.Find(MpiJobs.Kind, "pi")!.Root.At("status");
        Assert.Equal((2, null, 1), (status.Integer("attempt", "number"), status.Integer("attempt", "failures"), status.Integer("attempt", "losses")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_loss_that_never_ends_ends_the_job(bool worker1Fails)
    {
        // It ends again and again, under a launcher or before it: each loss counts as the one kind or the other, and both are bounded.
        var always = Worker with { Runs = [new ContainerRun(TimeSpan.FromSeconds(15), ExitCode: 137)] };
        await using var world = new SimulatedCluster(new SimulationOptions(Seed)
        {
            Launcher = DiesOfWorker1,
            WorkerOf = name => name == "pi-worker-1" && worker1Fails ? always : Worker,
        });
        var job = Job(static spec => spec["mpiReplicaSpecs"]!["Worker"]!["restartPolicy"] = "OnFailure", backoffLimit: 2);
        world.Create(job, MpiJobs.Kind);

        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is { } now && MpiJobs.Has(now, "Failed"), TimeSpan.FromHours(2), "the job has failed");

        var failed = world.Find(MpiJobs.Kind, "pi")!.Root.Items("status", "conditions").Single(static c => c.Text("type") == "Failed");
        Assert.StartsWith("worker pi-worker-1 was lost (the connection was closed)", failed.Text("message"), StringComparison.Ordinal);
        Assert.True(world.Find(MpiJobs.Kind, "pi")!.Root.Integer("status", "attempt", "number") <= 6);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whenever_the_operator_dies_meanwhile_the_outcome_is_the_same(bool worker1Fails)
    {
        var plain = await PlayAsync(Faults.None);
        Assert.Contains(".status.attempt.number = 2", plain.State);
        for (var n = 1; n <= plain.Writes; n++)
        {
            var faults = new Faults { CrashAfter = [n], Name = $"crash after write {n}" };
            var run = await PlayAsync(faults);
            SmokeTests.Compare(plain, run, faults.Name);
            Assert.Equal(1, run.Crashes);
        }

        Task<SmokeRun.Result> PlayAsync(Faults faults) => SmokeRun.PlayAsync(
            Losing(worker1Fails) with { Faults = faults }, overAgent: true, spec: static spec => Shape(spec, backoffLimit: 1));
    }

    private static SimulationOptions Losing(bool worker1Fails)
    {
        var launchers = 0;
        var failed = false;
        return new SimulationOptions(Seed)
        {
            LauncherOf = _ => launchers++ == 0 ? DiesOfWorker1 : Succeeds,
            WorkerOf = name =>
            {
                if (name != "pi-worker-1" || !worker1Fails || failed) return Worker;
                failed = true;
                return Fails;
            },
        };
    }

    /// <returns>The workers' uids while the first attempt ran, and at the end.</returns>
    private static (Dictionary<string, string> Before, Dictionary<string, string> After) Play(SimulatedCluster world, Action<JsonObject> spec, int backoffLimit)
    {
        world.Create(Job(spec, backoffLimit), MpiJobs.Kind);
        world.RunUntil(() => Has("Running"), TimeSpan.FromMinutes(5), "the job runs");
        var before = Uids();
        world.RunUntil(() => Has("Succeeded"), TimeSpan.FromMinutes(30), "the job has succeeded");
        return (before, Uids());

        bool Has(string condition) => world.Find(MpiJobs.Kind, "pi") is { } job && MpiJobs.Has(job, condition);

        Dictionary<string, string> Uids() => world.Observer.Pods("default", "pi", "worker").ToDictionary(static p => p.Meta.Name, static p => p.Meta.Uid);
    }

    private static JsonObject Job(Action<JsonObject> spec, int backoffLimit)
    {
        var job = MpiJobs.OverAgent(MpiJobs.Job("pi", cleanPodPolicy: "None"));
        Shape((JsonObject)job["spec"]!, backoffLimit);
        spec((JsonObject)job["spec"]!);
        return job;
    }

    private static void Shape(JsonObject spec, int backoffLimit)
    {
        spec["runPolicy"]!["backoffLimit"] = backoffLimit;
        spec["mpiReplicaSpecs"]!["Launcher"]!["restartPolicy"] = "Never";
        spec["mpiReplicaSpecs"]!["Worker"]!["restartPolicy"] = "OnFailure";
    }
}
