using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace EndToEnd;

/// <summary>Runs over the agent that are cut short, or put aside and taken up again, while their ranks are at work.</summary>
[Collection("this machine")]
public sealed class AgentInterruptionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task Ctrl_C_cancels_the_job_and_leaves_no_rank()
    {
        await using var house = new Household(Patience);
        (await house.RunAsync("up")).ShouldEndWith(0);
        using var run = house.Start("run", await WriteAsync(house));
        _ = run.StandardOutput.ReadToEndAsync(house.Limit);
        _ = run.StandardError.ReadToEndAsync(house.Limit);
        await UntilRanksWorkAsync(house);

        using var interrupt = Process.Start("kill", ["-INT", run.Id.ToString(CultureInfo.InvariantCulture)]);
        await run.WaitForExitAsync(house.Limit);

        Assert.Equal(130, run.ExitCode);
        using var client = Cluster.Connect(house);
        Assert.Empty(await Cluster.NamesAsync(client, Cluster.MpiJobs, house.Limit));
        Assert.Empty(await Cluster.NamesAsync(client, Kinds.Pod, house.Limit));
        Assert.DoesNotContain("sleep", Machine.Programs(house.ClusterPid()));
    }

    [Fact]
    public async Task Suspended_by_kubectl_a_job_has_no_pods_and_resumed_it_runs_on_all_its_workers()
    {
        await using var house = new Household(Patience);
        (await house.RunAsync("up")).ShouldEndWith(0);
        await house.KubectlAsync("apply", "-f", await WriteAsync(house));
        await UntilRanksWorkAsync(house);

        await house.KubectlAsync("patch", "mpijob/agent", "--type=merge", "-p", """{"spec":{"runPolicy":{"suspend":true}}}""");
        await house.KubectlAsync("wait", "--for=condition=Suspended", "mpijob/agent", "--timeout=120s");
        await house.KubectlAsync("wait", "--for=delete", "pod", "--selector=training.kubeflow.org/job-name=agent", "--timeout=120s");
        Assert.DoesNotContain("sleep", Machine.Programs(house.ClusterPid()));

        await File.WriteAllTextAsync(Path.Combine(house.Home, "goes-on"), "", house.Limit);
        await house.KubectlAsync("patch", "mpijob/agent", "--type=merge", "-p", """{"spec":{"runPolicy":{"suspend":false}}}""");
        await house.KubectlAsync("wait", "--for=condition=Succeeded", "mpijob/agent", "--timeout=120s");

        var resumed = await house.KubectlAsync("logs", "job/agent-launcher");
        resumed.ShouldHaveRanksOn(4, "agent-worker-0", "agent-worker-1");
    }

    /// <summary>The example, but that its ranks sleep until somebody lets a run go on.</summary>
    private static async Task<string> WriteAsync(Household house)
    {
        var manifest = Yaml.Read(await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/agent/job.yaml"), house.Limit))[0].Root;
        var replicas = manifest["spec"]!["mpiReplicaSpecs"]!;
        foreach (var role in new[] { "Launcher", "Worker" })
        {
            var pod = replicas[role]!["template"]!["spec"]!;
            pod["volumes"] = new JsonArray((JsonNode)new JsonObject { ["name"] = "signs", ["hostPath"] = new JsonObject { ["path"] = house.Home } });
            pod["containers"]![0]!["volumeMounts"] = JsonNode.Parse("""[{ "name": "signs", "mountPath": "/signs" }]""");
        }

        replicas["Launcher"]!["template"]!["spec"]!["containers"]![0]!["command"] =
            JsonNode.Parse("""["mpirun", "-n", "4", "sh", "-c", "test -e /signs/goes-on || exec sleep 600; exec /home/mpiuser/pi"]""");
        var file = Path.Combine(house.Home, "job.yaml");
        await File.WriteAllTextAsync(file, manifest.ToJsonString(), house.Limit);
        return file;
    }

    private static async Task UntilRanksWorkAsync(Household house)
    {
        while (Machine.Programs(house.ClusterPid()).Count(static p => p == "sleep") < 4) await Task.Delay(Look, house.Limit);
    }
}
