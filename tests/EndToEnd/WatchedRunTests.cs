using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.Testing;

namespace EndToEnd;

/// <summary>What looks on while these tests run does see a rule that is broken, and all that happens.</summary>
[Collection("this machine")]
public sealed class WatchedRunTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_run_is_seen_from_its_first_change_to_rest()
    {
        await using var house = new Household(Patience);
        (await house.RunAsync("run", "examples/hostname/hostname.yaml")).ShouldEndWith(0);
        var own = Assert.Single(house.Lookout.Clusters);
        Assert.True(Assert.Single(own.Jobs).Recorded.Announced);

        (await house.RunAsync("up")).ShouldEndWith(0);
        (await house.RunAsync("run", "--keep", "examples/hostname/hostname.yaml")).ShouldEndWith(0);
        await house.Lookout.RestAsync();
        var job = Assert.Single(house.Lookout.Clusters.Single(c => c != own).Jobs);
        Assert.True(job.IsOver);
        Assert.NotNull(job.LauncherJob);
    }

    [Fact]
    public async Task A_second_launcher_is_seen()
    {
        await using var house = new Household(Patience);
        using var client = await SleepAsync(house);
        var launcher = await FirstAsync(client, "job-name=sleeper-launcher", house.Limit);

        var second = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject { ["name"] = "second", ["namespace"] = "default", ["ownerReferences"] = launcher.ToTree()["metadata"]!["ownerReferences"]!.DeepClone() },
            ["spec"] = new JsonObject { ["containers"] = new JsonArray((JsonNode)new JsonObject { ["name"] = "main", ["image"] = "any/image", ["command"] = new JsonArray("sleep", "600") }) },
        };
        await client.CreateAsync(Kinds.Pod, KubeObject.From(second), house.Limit);

        var broken = await house.Lookout.ExpectAsync(house.Limit);
        Assert.Equal("OneLauncher", broken.Checker);
        Assert.Contains("2 launchers of MPIJob default/sleeper are alive: ", broken.Message, StringComparison.Ordinal);
        Assert.Matches("(?m)^[0-9:.]+ [0-9]+ MPIJob default/sleeper: .*Created=True.*  \\(operator\\)$", broken.Message);
        Assert.Matches("(?m)^[0-9:.]+ [0-9]+ Pod default/second is there  \\(kubempi\\)$", broken.Message);
    }

    [Fact]
    public async Task A_job_that_is_not_at_rest_is_seen()
    {
        await using var house = new Household(Patience);
        using var client = await SleepAsync(house);

        await house.Lookout.RestAsync(TimeSpan.FromSeconds(1));

        Assert.Equal(nameof(EveryJobComesToRest), (await house.Lookout.ExpectAsync(house.Limit)).Checker);
    }

    [Fact]
    public async Task An_operator_that_changes_what_is_not_its_own_is_seen()
    {
        await using var house = new Household(Patience);
        (await house.RunAsync("up")).ShouldEndWith(0);
        await house.KubectlAsync("create", "configmap", "mine", "--from-literal=a=b");
        Assert.All(house.Lookout.Clusters, static c => Assert.Null(c.Broken));

        await house.KubectlAsync("patch", "configmap", "mine", "--field-manager=kubempi-operator", "-p", """{"data":{"a":"c"}}""");

        var broken = await house.Lookout.ExpectAsync(house.Limit);
        Assert.Equal("OnlyItsOwn", broken.Checker);
        Assert.Contains("the operator touched ConfigMap default/mine, which no job owns", broken.Message, StringComparison.Ordinal);
    }

    /// <summary>A cluster with a job in it whose launcher sleeps.</summary>
    private static async Task<KubeClient> SleepAsync(Household house)
    {
        (await house.RunAsync("up")).ShouldEndWith(0);
        var client = Cluster.Connect(house);
        var job = Yaml.Read(Sleeper.Manifest)[0].Root;
        job["metadata"]!["namespace"] = "default";
        await client.CreateAsync(Cluster.MpiJobs, KubeObject.From(job), house.Limit);
        return client;
    }

    private static async Task<KubeObject> FirstAsync(KubeClient client, string selector, CancellationToken cancellation)
    {
        while (true)
        {
            if ((await client.ListAsync(Kinds.Pod, "default", new ListOptions(LabelSelector: selector), cancellation)).Items is [var first, ..]) return first;
            await Task.Delay(50, cancellation);
        }
    }
}
