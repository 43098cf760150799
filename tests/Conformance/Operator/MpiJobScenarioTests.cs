using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.Planning;

namespace Conformance;

/// <summary>
/// What kubeflow's integration tests assert of their operator, asserted of ours as a process of its own, with a Job controller
/// and a garbage collector beside it and, on a real server, with the rights of its account alone.
/// </summary>
[Collection(OperatorCollection.Name)]
public sealed class MpiJobScenarioTests
{
    public static TheoryData<string> Targets => Target.WithAddress;

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_job_counts_its_pods_says_each_phase_once_and_removes_its_workers_when_it_has_succeeded(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.CreateJobAsync();
        await ground.UntilConditionAsync("Created");
        await ground.RunWorkersAsync();
        Assert.Equal(["pi"], await ground.NamesAsync(Kinds.Service));
        Assert.Contains("pi-config", await ground.NamesAsync(Kinds.ConfigMap));
        Assert.Contains("pi-ssh", await ground.NamesAsync(Kinds.Secret));
        await ground.UntilAsync("the launcher", async () => await ground.LauncherAsync() is { Meta.Name: "pi-launcher" });

        await ground.UntilStatusAsync("both workers counted", static s => Counts(s) == """{} {"active":2}""");
        Assert.False(Has(await ground.JobAsync(), "Running"));

        var launcher = await ground.RunLauncherAsync();
        await ground.UntilConditionAsync("Running");
        Assert.Equal("""{"active":1} {"active":2}""", Counts((await ground.JobAsync()).Root.At("status")));

        await ground.SetPhaseAsync(launcher, "Succeeded");
        await ground.UntilConditionAsync("Succeeded");
        await ground.UntilAsync("the workers' removal", async () => (await ground.PodsAsync("worker")).Count == 0);
        var job = await ground.JobAsync();
        Assert.Equal("""{"succeeded":1} {}""", Counts(job.Root.At("status")));
        Assert.Equal("False", Conditions.Find(job.Root.At("status"), "Running")?.Status);
        Assert.NotNull(job.Root.Text("status", "startTime"));
        Assert.NotNull(job.Root.Text("status", "completionTime"));
        await ground.UntilAsync("all events", async () => (await ground.SaidAsync()).Count() >= 3);
        Assert.Equal(["MPIJobCreated", "MPIJobRunning", "MPIJobSucceeded"], await ground.SaidAsync());
        Assert.Equal(launcher.Meta.Uid, Assert.Single(await ground.PodsAsync("launcher")).Meta.Uid);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_launcher_that_waits_for_workers_is_made_when_they_are_ready_and_not_while_they_only_run(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.CreateJobAsync(static s => s["launcherCreationPolicy"] = "WaitForWorkersReady");
        await ground.RunWorkersAsync(ready: false);

        // The counters are written when the pods have been quiet: by then a launcher would long have been made.
        await ground.UntilStatusAsync("both workers counted", static s => s.Integer("replicaStatuses", "Worker", "active") == 2);
        Assert.Null(await ground.LauncherAsync());

        await ground.RunWorkersAsync();
        await ground.RunLauncherAsync();
        await ground.UntilConditionAsync("Running");
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Edits_of_a_suspended_job_reach_its_launcher_each_time_that_it_is_resumed(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.CreateJobAsync(static s => s["runPolicy"]!["suspend"] = true);
        await ground.UntilConditionAsync("Suspended");
        await ground.UntilAsync("a suspended launcher", async () => (await ground.LauncherAsync())?.Root.Flag("spec", "suspend") == true);
        Assert.Empty(await ground.PodsAsync("worker"));
        Assert.Null((await ground.JobAsync()).Root.Text("status", "startTime"));
        Assert.Equal(["MPIJobCreated", "MPIJobSuspended"], await ground.SaidAsync());
        var first = await ground.LauncherAsync();

        string? started = null;
        foreach (var zone in (string[])["a", "b", "c"])
        {
            await ground.EditJobAsync($$$"""
                {"spec": {"runPolicy": {"suspend": false}, "mpiReplicaSpecs": {"Launcher": {"template": {
                  "metadata": {"annotations": {"example.com/admitted": "{{{zone}}}"}, "labels": {"admitted": "{{{zone}}}"}},
                  "spec": {"nodeSelector": {"zone": "{{{zone}}}"}, "tolerations": [{"key": "gpu-{{{zone}}}", "operator": "Exists"}], "schedulingGates": null}} }} }}
                """);
            await ground.RunWorkersAsync();
            await ground.RunLauncherAsync();
            await ground.UntilStatusAsync($"running again after admission to {zone}", s => Conditions.IsTrue(s, "Running") && !Conditions.IsTrue(s, "Suspended"));
            var launcher = (await ground.LauncherAsync())!;
            var template = launcher.Root.At("spec", "template");
            Assert.Equal(zone, template.Text("spec", "nodeSelector", "zone"));
            Assert.Equal($"gpu-{zone}", template.Items("spec", "tolerations").Single().Text("key"));
            Assert.Equal(zone, template.Text("metadata", "annotations", "example.com/admitted"));
            Assert.Equal(zone, template.Text("metadata", "labels", "admitted"));
            Assert.All(await ground.PodsAsync("launcher"), p => Assert.Equal(zone, p.Root.Text("spec", "nodeSelector", "zone")));
            // Directives alone never cost the launcher its Job, nor the job an attempt.
            Assert.Equal(first!.Meta.Uid, launcher.Meta.Uid);
            var status = (await ground.JobAsync()).Root.At("status");
            Assert.Equal(1, status.Integer("attempt", "number"));
            Assert.NotEqual(started, status.Text("startTime"));
            started = status.Text("startTime");

            await ground.EditJobAsync("""{"spec": {"runPolicy": {"suspend": true}}}""");
            await ground.UntilStatusAsync("suspended, nothing active", static s => Conditions.IsTrue(s, "Suspended") && !Conditions.IsTrue(s, "Running") && Counts(s) == "{} {}");
            await ground.UntilAsync("no pods", async () => (await ground.PodsAsync("worker")).Count + (await ground.PodsAsync("launcher")).Count == 0);
            Assert.Equal(started, (await ground.JobAsync()).Root.Text("status", "startTime"));
            // Times have whole seconds: the next start is to have another one.
            await Task.Delay(TimeSpan.FromSeconds(1.1), TestContext.Current.CancellationToken);
        }

        // More than directives: the Job, which has no pods, is made anew under its name.
        await ground.EditJobAsync("""
            {"spec": {"runPolicy": {"suspend": false}, "mpiReplicaSpecs": {"Launcher": {"template": {"spec": {"containers": [{"name": "main", "image": "example/other"}]}}}}}}
            """);
        await ground.RunWorkersAsync();
        var pod = await ground.RunLauncherAsync();
        Assert.Equal("example/other", pod.Root.Items("spec", "containers").Single().Text("image"));
        await ground.UntilConditionAsync("Running");
        await ground.SetPhaseAsync(pod, "Succeeded");
        await ground.UntilConditionAsync("Succeeded");
        Assert.NotEqual(first!.Meta.Uid, (await ground.LauncherAsync())!.Meta.Uid);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_failed_pod_of_the_launcher_fails_no_job_and_a_failed_launcher_does(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.CreateJobAsync(static s =>
        {
            s["runPolicy"]!["backoffLimit"] = 1;
            s["mpiReplicaSpecs"]!["Launcher"]!["restartPolicy"] = "Never";
        });
        await ground.RunWorkersAsync();
        await ground.SetPhaseAsync(await ground.RunLauncherAsync(), "Failed");
        await ground.UntilStatusAsync("a failure counted", static s => s.Integer("replicaStatuses", "Launcher", "failed") == 1);
        Assert.False(Has(await ground.JobAsync(), "Failed"));

        await ground.SetPhaseAsync(await ground.RunLauncherAsync(), "Failed");
        await ground.UntilConditionAsync("Failed");
        var status = (await ground.JobAsync()).Root.At("status");
        Assert.StartsWith("BackoffLimitExceeded", Conditions.Find(status, "Failed")!.Reason, StringComparison.Ordinal);
        Assert.Equal("""{"failed":2} {}""", Counts(status));
        Assert.NotNull(status.Text("completionTime"));
        await ground.UntilAsync("the workers' removal", async () => (await ground.PodsAsync("worker")).Count == 0);
        await ground.UntilAsync("the word of it", async () => (await ground.SaidAsync()).Contains("BackoffLimitExceeded"));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_group_of_scheduler_plugins_is_made_follows_an_edit_of_its_timeout_and_goes_with_the_workers(string name)
    {
        var kind = GangBackend.Named("gangs")!.Kinds[0];
        await using var ground = await MpiJobGround.OpenAsync(name);
        await ground.DefineAsync(kind);
        await using var process = await OperatorChild.StartAsync(ground, "--gang-scheduling=gangs");
        await ground.CreateJobAsync(static s => s["runPolicy"]!["schedulingPolicy"] = new JsonObject { ["scheduleTimeoutSeconds"] = 30 });

        await ground.RunWorkersAsync();
        Assert.Equal("""{"minMember":3,"scheduleTimeoutSeconds":30}""", (await GroupAsync(ground, kind))!.Root.At("spec").GetRawText());
        Assert.All(await ground.PodsAsync("worker"), static p => Assert.Equal(("gangs", "pi"), (p.Root.Text("spec", "schedulerName"), p.Meta.Labels["scheduling.x-k8s.io/pod-group"])));

        await ground.EditJobAsync("""{"spec": {"runPolicy": {"schedulingPolicy": {"scheduleTimeoutSeconds": 60}}}}""");
        await ground.UntilAsync("the new timeout", async () => (await GroupAsync(ground, kind))?.Root.Integer("spec", "scheduleTimeoutSeconds") == 60);

        await ground.SetPhaseAsync(await ground.RunLauncherAsync(), "Succeeded");
        await ground.UntilAsync("no group", async () => await GroupAsync(ground, kind) is null);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_group_of_Volcano_is_made_follows_edits_of_its_size_and_queue_and_goes_with_the_workers(string name)
    {
        var kind = GangBackend.Named("volcano")!.Kinds[0];
        await using var ground = await MpiJobGround.OpenAsync(name);
        await ground.DefineAsync(kind);
        await using var process = await OperatorChild.StartAsync(ground, "--gang-scheduling=volcano");
        await ground.CreateJobAsync(static s => s["runPolicy"]!["schedulingPolicy"] = new JsonObject { ["queue"] = "default", ["priorityClass"] = "high" });

        await ground.RunWorkersAsync();
        Assert.Equal((3, "default", "high"), Group(await GroupAsync(ground, kind)));
        Assert.All(await ground.PodsAsync("worker"), static p => Assert.Equal(("volcano", "pi"), (p.Root.Text("spec", "schedulerName"), p.Meta.Annotations["scheduling.k8s.io/group-name"])));

        await ground.EditJobAsync("""{"spec": {"runPolicy": {"schedulingPolicy": {"minAvailable": 2, "queue": "night"}}}}""");
        await ground.UntilAsync("the new size and queue", async () => Group(await GroupAsync(ground, kind)) == (2, "night", "high"));

        await ground.SetPhaseAsync(await ground.RunLauncherAsync(), "Succeeded");
        await ground.UntilAsync("no group", async () => await GroupAsync(ground, kind) is null);

        static (long?, string?, string?) Group(KubeObject? group) =>
            (group?.Root.Integer("spec", "minMember"), group?.Root.Text("spec", "queue"), group?.Root.Text("spec", "priorityClassName"));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task A_job_of_another_manager_gets_no_condition_no_start_and_no_object(string name)
    {
        await using var ground = await MpiJobGround.OpenAsync(name);
        await using var process = await OperatorChild.StartAsync(ground);
        await ground.CreateJobAsync(static s => s["runPolicy"]!["managedBy"] = "kueue.x-k8s.io/multikueue");
        await ground.CreateJobAsync(jobName: "ours");

        // The one that came later has all it needs: the other was seen, and passed over.
        await ground.UntilAsync("the objects of our own job", async () => await ground.LauncherAsync() is { Meta.Name: "ours-launcher" });
        Assert.Equal(["ours"], await ground.NamesAsync(Kinds.Service));
        Assert.False((await ground.JobAsync()).Root.Has("status"));
        Assert.DoesNotContain(await ground.EventsAsync(), static e => e.Root.Text("involvedObject", "name") == "pi");
    }

    private static bool Has(KubeObject job, string condition) => Conditions.IsTrue(job.Root.At("status"), condition);

    /// <summary>The counters of launcher and workers, as they stand in the status.</summary>
    private static string Counts(JsonElement status)
    {
        return $"{Of("Launcher")} {Of("Worker")}";

        string Of(string role) => status.Has("replicaStatuses", role) ? status.At("replicaStatuses", role).ToTree()!.ToJsonString() : "none";
    }

    private static async Task<KubeObject?> GroupAsync(MpiJobGround ground, ResourceKind kind) =>
        (await ground.Admin.ListAsync(kind, ground.Namespace, new ListOptions(), TestContext.Current.CancellationToken)).Items.SingleOrDefault();
}
