using System.Text.Json.Nodes;
using Kube.Nodes.Virtual;
using Kube.Types;

namespace Simulation;

/// <summary>What is said of a launcher that failed, when the Job has taken its pod away before anybody is told.</summary>
public sealed class LauncherFailureTests
{
    [Theory]
    [InlineData("OnFailure", 0)]
    [InlineData("OnFailure", 2)]
    [InlineData("Never", 1)]
    public async Task A_failed_launcher_is_explained_whether_its_pod_is_left_or_not(string restartPolicy, int backoffLimit)
    {
        await using var world = new SimulatedCluster(new SimulationOptions(5)
        {
            Launcher = PodScript.RunsFor(TimeSpan.FromSeconds(3), exitCode: 7, "mesh.h5: no such file") with { StartDelay = TimeSpan.FromSeconds(1) },
        });
        var job = MpiJobs.Job("pi");
        job["spec"]!["mpiReplicaSpecs"]!["Launcher"]!["restartPolicy"] = restartPolicy;
        job["spec"]!["runPolicy"]!["backoffLimit"] = backoffLimit;
        world.Create(job, MpiJobs.Kind);

        world.RunUntil(() => world.Find(MpiJobs.Kind, "pi") is { } now && MpiJobs.Has(now, "Failed"), TimeSpan.FromMinutes(30), "the job has failed");

        Assert.Equal(restartPolicy == "Never", world.Observer.Pods("default", "pi", "launcher").Any());
        var failed = world.Find(MpiJobs.Kind, "pi")!.Root.Items("status", "conditions").Single(static c => c.Text("type") == "Failed");
        Assert.Equal("BackoffLimitExceeded", failed.Text("reason"));
        Assert.StartsWith("Job has reached the specified backoff limit; pod pi-launcher-", failed.Text("message"), StringComparison.Ordinal);
        Assert.EndsWith(", container main: exit code 7: mesh.h5: no such file", failed.Text("message"), StringComparison.Ordinal);
    }
}
