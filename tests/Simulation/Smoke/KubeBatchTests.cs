using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Testing;
using Kube.Types;
using Mpi.Planning;

namespace Simulation;

/// <summary>kube-batch's MPI: one Job of like pods, against the real Job controller, gang scheduler and garbage collector.</summary>
public sealed class KubeBatchTests
{
    [Fact]
    public async Task A_gang_of_like_pods_starts_together_runs_and_ends_well()
    {
        await using var world = new KubeBatchWorld();
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Running");

        var group = world.Get(KubeBatchWorld.PodGroup, "ring-podgroup")!;
        Assert.Equal((3, null), (group.Root.Integer("spec", "minMember"), group.Root.Text("spec", "queue")));
        Assert.Equal(["ring-0", "ring-1", "ring-2"], world.Pods.Select(static p => p.Root.Text("spec", "hostname")!).Order(StringComparer.Ordinal));
        Assert.All(world.Pods, static p => Assert.Equal(("kube-batch", "ring-podgroup", "ring-sa", "Never"), (p.Root.Text("spec", "schedulerName"), p.Meta.Annotations["scheduling.k8s.io/group-name"], p.Root.Text("spec", "serviceAccountName"), p.Root.Text("spec", "restartPolicy"))));
        var executor = world.Pods.Single(static p => p.Root.Text("spec", "hostname") == "ring-0").Meta.Name;

        world.RunUntil("Succeeded");
        world.Cluster.RunFor(TimeSpan.FromMinutes(10));
        var status = world.Job.Root.At("status");
        Assert.Equal((executor, "3", "agent"), (status.Text("descriptors", "executor"), status.Text("descriptors", "hostfileEntries"), status.Text("descriptors", "transport")));
        Assert.Equal((3, null), (status.Integer("job", "succeeded"), status.Integer("job", "failed")));
        Assert.NotNull(status.Text("job", "completionTime"));
        Assert.Equal(world.Job.Meta.Generation, status.Integer("observedGeneration"));
        Assert.Contains(status.Text("podGroup", "phase"), (string[])["Pending", "Running", "Unknown"]);
        Assert.True(MpiJobs.Has(world.Get(Kinds.Job, "ring")!, "Complete"));
        Assert.All(world.Pods, static p => Assert.Equal("Succeeded", p.Root.Text("status", "phase")));
    }

    [Fact]
    public async Task Every_name_key_path_and_variable_of_the_old_controller_is_there()
    {
        await using var world = new KubeBatchWorld();
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Running");

        Assert.Equal("ring-role", world.Get(Kinds.RoleBinding, "ring-rolebinding")!.Root.Text("roleRef", "name"));
        Assert.Equal("ring-sa", world.Get(Kinds.RoleBinding, "ring-rolebinding")!.Root.Items("subjects").Single().Text("name"));
        Assert.Equal("ring", world.Get(Kinds.ServiceAccount, "ring-sa")!.Meta.Labels["job-name"]);
        Assert.Equal("ring-0\nring-1\nring-2\n", world.Get(Kinds.ConfigMap, "ring-hostfile")!.Root.Text("data", "hostfile"));
        Assert.Equal(["executor", "hosts", "kubeexec.sh", "startup.sh"], world.Get(Kinds.ConfigMap, "ring-mpi-data")!.Root.Members("data").Select(static m => m.Name).Order(StringComparer.Ordinal));
        Assert.Equal("ring-0", world.Get(Kinds.ConfigMap, "ring-mpi-data")!.Root.Text("data", "executor"));

        var job = world.Get(Kinds.Job, "ring")!;
        Assert.Equal(("Indexed", 3, 3), (job.Root.Text("spec", "completionMode"), job.Root.Integer("spec", "parallelism"), job.Root.Integer("spec", "completions")));
        Assert.Equal(("ring", "mpi-job"), (job.Meta.Labels["job-name"], job.Meta.Labels["job-type"]));
        var template = job.Root.At("spec", "template");
        Assert.Equal(("ring", "mpi-job", "a"), (template.Text("metadata", "labels", "job-name"), template.Text("metadata", "labels", "job-type"), template.Text("metadata", "labels", "team")));
        var (mpi, beside) = (template.Items("spec", "containers").First(), template.Items("spec", "containers").Last());
        Assert.Equal(["/entry/startup.sh"], mpi.Words("command"));
        Assert.Equal(["mpirun", "-n", "3", "./ring", "a b"], mpi.Words("args"));
        var mounts = mpi.Items("volumeMounts").ToDictionary(static m => m.Text("mountPath")!, static m => (m.Text("name"), m.Flag("readOnly")));
        Assert.Equal((("mpi-hostfile", true), ("mpi-data", true)), (mounts["/mpi"], mounts["/entry"]));
        var env = mpi.Items("env").ToDictionary(static e => e.Text("name")!, static e => e.Text("value"));
        Assert.Equal(("rsh", "/entry/kubeexec.sh", "/mpi/hostfile"), (env["HYDRA_BOOTSTRAP"], env["HYDRA_BOOTSTRAP_EXEC"], env["HYDRA_HOST_FILE"]));
        Assert.Equal("ring-$(KUBEMPI_AGENT_INDEX)", env["KUBEMPI_AGENT_NAME"]);
        // A sidecar is none of the gang's.
        Assert.Equal("tail", Assert.Single(beside.Words("command")));
        Assert.False(beside.Has("volumeMounts"));
        Assert.All(world.List(Kinds.ConfigMap).Where(static m => m.Meta.Name.StartsWith("ring-", StringComparison.Ordinal)), m => Assert.Equal(world.Job.Meta.Uid, m.Meta.Controller!.Uid));
    }

    [Fact]
    public async Task The_account_may_do_nothing_because_the_agent_needs_nothing()
    {
        await using var world = new KubeBatchWorld();
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Running");

        Assert.Empty(world.Get(Kinds.Role, "ring-role")!.Root.Items("rules"));
    }

    [Fact]
    public async Task The_list_of_hosts_is_whole_before_the_first_pod_and_addresses_follow_when_all_have_one()
    {
        await using var world = new KubeBatchWorld(static (index, _) => index == 2 ? KubeBatchWorld.Forever with { StartDelay = TimeSpan.FromMinutes(2) } : KubeBatchWorld.Forever);
        world.Create(KubeBatchWorld.Ring());
        world.Cluster.RunUntil(() => world.Pods.Count(static p => p.Root.Text("status", "phase") == "Running") == 1, TimeSpan.FromMinutes(1), "one worker runs, and the executor waits for the other");
        Assert.Equal("ring-0\nring-1\nring-2\n", world.Get(Kinds.ConfigMap, "ring-hostfile")!.Root.Text("data", "hostfile"));
        Assert.Equal("", world.Get(Kinds.ConfigMap, "ring-mpi-data")!.Root.Text("data", "hosts"));

        world.RunUntil("Running");
        world.Cluster.RunFor(TimeSpan.FromMinutes(1));
        var addresses = world.Pods.ToDictionary(static p => p.Root.Text("spec", "hostname")!, static p => p.Root.Text("status", "podIP")!);
        Assert.Equal(string.Concat(new[] { "ring-0", "ring-1", "ring-2" }.Select(host => $"{addresses[host]} {host}\n")), world.Get(Kinds.ConfigMap, "ring-mpi-data")!.Root.Text("data", "hosts"));
    }

    [Fact]
    public async Task Workers_that_nobody_tells_of_the_end_are_ended_and_the_executor_alone_decides()
    {
        await using var world = new KubeBatchWorld(static (index, _) => index == 0 ? null : KubeBatchWorld.Forever);
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Succeeded");
        world.Cluster.RunFor(TimeSpan.FromMinutes(2));

        Assert.Equal("Succeeded", Assert.Single(world.Pods).Root.Text("status", "phase"));
        Assert.Equal(0, world.Get(Kinds.Job, "ring")!.Root.Integer("status", "active") ?? 0);
    }

    [Fact]
    public async Task A_worker_that_fails_restarts_the_whole_gang_and_counts()
    {
        await using var world = new KubeBatchWorld(static (index, attempt) => index == 2 && attempt == 1 ? KubeBatchWorld.Ends(TimeSpan.FromSeconds(5), exitCode: 3) : null);
        world.Create(KubeBatchWorld.Ring(jobSpec: static spec => spec["backoffLimit"] = 1));
        world.RunUntil("Restarting");
        Assert.Contains("exit code 3", world.Message("Restarting"), StringComparison.Ordinal);

        world.RunUntil("Succeeded");
        Assert.Equal((2, 1, null), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "failures"), world.Job.Root.Integer("status", "attempt", "losses")));
        Assert.Equal(3, world.Pods.Count());
    }

    [Fact]
    public async Task An_executor_that_fails_is_retried_with_its_gang_up_to_backoffLimit_and_explained()
    {
        await using var world = new KubeBatchWorld(static (index, _) => index == 0 ? KubeBatchWorld.Ends(TimeSpan.FromSeconds(5), exitCode: 4, "ring: no neighbour") : KubeBatchWorld.Forever);
        world.Create(KubeBatchWorld.Ring(jobSpec: static spec => spec["backoffLimit"] = 2));
        world.RunUntil("Failed");
        world.Cluster.RunFor(TimeSpan.FromMinutes(2));

        Assert.Equal((3, null), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "losses")));
        Assert.Contains("container mpi: exit code 4", world.Message("Failed"), StringComparison.Ordinal);
        Assert.Contains("ring: no neighbour", world.Message("Failed"), StringComparison.Ordinal);
        Assert.Contains("no retries left (backoffLimit 2)", world.Message("Failed"), StringComparison.Ordinal);
        Assert.DoesNotContain(world.Pods, static p => p.Root.Text("status", "phase") == "Running");
    }

    [Fact]
    public async Task An_evicted_worker_costs_no_retry()
    {
        await using var world = new KubeBatchWorld(static (index, attempt) => index == 1 && attempt == 1 ? KubeBatchWorld.Forever with { Eviction = new PodEviction(TimeSpan.FromSeconds(8), "The node was low on resource: memory.") } : null);
        world.Create(KubeBatchWorld.Ring(jobSpec: static spec => spec["backoffLimit"] = 0));
        world.RunUntil("Succeeded");

        Assert.Equal((2, null, 1), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "failures"), world.Job.Root.Integer("status", "attempt", "losses")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_pod_that_somebody_deletes_costs_no_retry(int index)
    {
        await using var world = new KubeBatchWorld();
        world.Create(KubeBatchWorld.Ring(jobSpec: static spec => spec["backoffLimit"] = 0));
        world.RunUntil("Running");
        var pod = world.Pods.Single(p => p.Root.Text("spec", "hostname") == $"ring-{index}");
        await world.Cluster.Admin.DeleteAsync(Kinds.Pod, "default", pod.Meta.Name, new DeleteOptions(), CancellationToken.None);

        world.RunUntil("Succeeded");
        Assert.Equal((2, null, 1), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "failures"), world.Job.Root.Integer("status", "attempt", "losses")));
    }

    [Fact]
    public async Task A_deadline_ends_the_gang_for_good()
    {
        await using var world = new KubeBatchWorld(static (_, _) => KubeBatchWorld.Forever);
        world.Create(KubeBatchWorld.Ring(jobSpec: static spec => spec["activeDeadlineSeconds"] = 60));
        world.RunUntil("Failed");

        Assert.Equal(1, world.Job.Root.Integer("status", "attempt", "number"));
        Assert.Contains("deadline", world.Message("Failed"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_suspended_gang_has_no_pods_and_resumes_with_what_was_edited_meanwhile()
    {
        await using var world = new KubeBatchWorld();
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Running");
        world.Edit("""{"spec": {"job": {"suspend": true}}}""");
        world.Cluster.RunUntil(() => world.Has("Suspended") && !world.Pods.Any(), TimeSpan.FromMinutes(5), "no pod is left");
        world.Edit("""{"spec": {"job": {"suspend": false, "parallelism": 4}}}""");
        world.RunUntil("Succeeded");

        Assert.Equal(4, world.Pods.Count());
        Assert.Equal(4, world.Get(KubeBatchWorld.PodGroup, "ring-podgroup")!.Root.Integer("spec", "minMember"));
        Assert.Equal("ring-0\nring-1\nring-2\nring-3\n", world.Get(Kinds.ConfigMap, "ring-hostfile")!.Root.Text("data", "hostfile"));
    }

    [Fact]
    public async Task An_edit_that_a_running_gang_cannot_follow_is_told_and_changes_nothing()
    {
        await using var world = new KubeBatchWorld();
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Running");
        var before = world.Pods.Select(static p => p.Meta.Uid).Order(StringComparer.Ordinal).ToList();
        world.Edit("""{"spec": {"job": {"parallelism": 5}}}""");
        world.RunUntil("SpecChanged");

        Assert.Contains("Suspend and resume", world.Message("SpecChanged"), StringComparison.Ordinal);
        Assert.Equal(before, world.Pods.Select(static p => p.Meta.Uid).Order(StringComparer.Ordinal));
        Assert.Equal(3, world.Get(KubeBatchWorld.PodGroup, "ring-podgroup")!.Root.Integer("spec", "minMember"));
        world.Edit("""{"spec": {"job": {"parallelism": 3}}}""");
        world.Cluster.RunUntil(() => !world.Has("SpecChanged"), TimeSpan.FromMinutes(1), "taking it back settles it");
    }

    [Fact]
    public async Task A_scheduler_that_is_missing_is_named_and_found_when_it_is_installed()
    {
        await using var world = new KubeBatchWorld(installed: false);
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("SchedulerMissing");
        Assert.Empty(world.Pods);
        Assert.Contains("kube-batch", world.Message("SchedulerMissing"), StringComparison.Ordinal);

        world.InstallScheduler();
        world.RunUntil("Succeeded");
        Assert.False(world.Has("SchedulerMissing"));
    }

    [Fact]
    public async Task A_queue_that_is_missing_is_named_until_somebody_makes_it()
    {
        await using var world = new KubeBatchWorld();
        world.InstallQueues();
        var job = KubeBatchWorld.Ring(jobSpec: static spec => spec["template"]!["spec"]!["nodeSelector"] = new JsonObject { ["no"] = "such-node" });
        job["spec"]!["podGroup"] = new JsonObject { ["spec"] = new JsonObject { ["queue"] = "night" } };
        world.Create(job);
        world.RunUntil("SchedulerMissing");
        Assert.Contains("there is no Queue night", world.Message("SchedulerMissing"), StringComparison.Ordinal);
        Assert.Contains(world.List(Kinds.Event), static e => e.Root.Text("reason") == "QueueMissing");

        // As it was, meanwhile: a scheduler that learns of the queue finds a group and its pods.
        Assert.Equal("night", world.List(KubeBatchWorld.PodGroup).Single().Root.Text("spec", "queue"));
        world.Cluster.RunFor(TimeSpan.FromMinutes(2));
        Assert.Equal(3, world.Pods.Count());
        var writes = world.Cluster.Operator.Writes;
        world.Cluster.RunFor(TimeSpan.FromMinutes(10));
        Assert.Equal(writes, world.Cluster.Operator.Writes);

        world.Cluster.Create(new JsonObject { ["apiVersion"] = KubeBatchWorld.Queue.ApiVersion, ["kind"] = "Queue", ["metadata"] = new JsonObject { ["name"] = "night" } }, KubeBatchWorld.Queue);
        world.Cluster.RunUntil(() => !world.Has("SchedulerMissing"), TimeSpan.FromMinutes(2), "the queue is found");
    }

    /// <summary>Queues are the cluster's, and the rights of an operator of one namespace end with that.</summary>
    [Fact]
    public async Task Who_may_not_look_for_queues_says_nothing_of_a_gang_that_starts()
    {
        var right = new Right("get", KubeBatchWorld.Queue.Group, KubeBatchWorld.Queue.Plural);
        await using var world = new KubeBatchWorld(rights: OperatorRights.WithKubeBatch.Without(right));
        var job = KubeBatchWorld.Ring();
        job["spec"]!["podGroup"] = new JsonObject { ["spec"] = new JsonObject { ["queue"] = "night" } };
        world.Create(job);
        world.RunUntil("Succeeded");

        Assert.DoesNotContain(world.List(Kinds.Event), static e => e.Root.Text("reason") == "QueueHidden");
    }

    [Fact]
    public async Task Where_queues_are_no_kind_of_the_cluster_none_is_missed()
    {
        await using var world = new KubeBatchWorld();
        var job = KubeBatchWorld.Ring();
        job["spec"]!["podGroup"] = new JsonObject { ["spec"] = new JsonObject { ["queue"] = "night" } };
        world.Create(job);
        world.RunUntil("Succeeded");
        Assert.DoesNotContain(world.Job.Root.Items("status", "conditions"), static c => c.Text("type") == "SchedulerMissing");
        // What the others do is asked as well, and remembered.
        Assert.Contains("get queues.scheduling.incubator.k8s.io", world.Cluster.Operator.Asked.Select(static r => r.ToString()));
    }

    [Fact]
    public async Task A_gang_that_failed_waits_longer_each_time_and_one_that_lost_a_pod_does_not()
    {
        await using var world = new KubeBatchWorld(static (index, attempt) => index == 1 && attempt <= 3 ? KubeBatchWorld.Ends(TimeSpan.FromSeconds(5), exitCode: 1) : null);
        world.Create(KubeBatchWorld.Ring());
        var starts = new List<DateTimeOffset>();
        for (var attempt = 1; attempt <= 4; attempt++)
        {
            world.Cluster.RunUntil(() => world.Job.Root.Integer("status", "attempt", "number") == attempt && world.Get(Kinds.Job, "ring") is { Meta.DeletionTimestamp: null } made && made.Meta.Uid == world.Job.Root.Text("status", "attempt", "launcherUID"), TimeSpan.FromMinutes(10), $"the Job of attempt {attempt}");
            starts.Add(world.Get(Kinds.Job, "ring")!.Meta.CreationTimestamp!.Value);
        }

        // Each life takes some seconds; what is more between two of them is the wait.
        Assert.InRange((starts[1] - starts[0]).TotalSeconds, 15, 30);
        Assert.InRange((starts[2] - starts[1]).TotalSeconds, 25, 40);
        Assert.InRange((starts[3] - starts[2]).TotalSeconds, 45, 60);

        world.RunUntil("Running");
        await world.Cluster.Admin.DeleteAsync(Kinds.Pod, "default", world.Pods.First(static p => p.Root.Text("spec", "hostname") == "ring-2").Meta.Name, new DeleteOptions(), CancellationToken.None);
        world.RunUntil("Restarting");
        Assert.Equal((5, null), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Text("status", "attempt", "notBefore")));
        world.RunUntil("Succeeded");
    }

    [Theory]
    [InlineData("ring-0")]
    [InlineData("ring-2")]
    public async Task A_pod_that_is_gone_without_a_farewell_restarts_the_gang_for_nothing(string host)
    {
        await using var world = new KubeBatchWorld(static (_, attempt) => attempt == 1 ? KubeBatchWorld.Forever : null);
        world.Create(KubeBatchWorld.Ring(jobSpec: static spec => spec["backoffLimit"] = 0));
        world.RunUntil("Running");

        var pod = world.Pods.Single(p => p.Root.Text("spec", "hostname") == host).Meta.Name;
        await world.Cluster.Admin.DeleteAsync(Kinds.Pod, "default", pod, new DeleteOptions(GracePeriod: TimeSpan.Zero), CancellationToken.None);

        world.RunUntil("Restarting", TimeSpan.FromMinutes(1));
        Assert.StartsWith("a pod of Job ring has gone", world.Message("Restarting"), StringComparison.Ordinal);
        world.RunUntil("Succeeded");
        Assert.Equal((2, null, 1), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "failures"), world.Job.Root.Integer("status", "attempt", "losses")));
    }

    [Fact]
    public async Task A_missing_scheduler_can_be_done_without()
    {
        await using var world = new KubeBatchWorld(installed: false, planning: new PlanningOptions { FallBackFromMissingGang = true });
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Succeeded");

        Assert.All(world.Pods, static p => Assert.NotEqual("kube-batch", p.Root.Text("spec", "schedulerName")));
    }

    [Fact]
    public async Task A_deleted_job_takes_all_its_objects_along()
    {
        await using var world = new KubeBatchWorld();
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Running");
        await world.Cluster.Admin.DeleteAsync(Mpi.Dialects.KubeBatchDialect.Mpi, "default", "ring", new DeleteOptions(Propagation: "Background"), CancellationToken.None);

        ResourceKind[] kinds = [Kinds.Pod, Kinds.Job, Kinds.Service, Kinds.ConfigMap, Kinds.Secret, Kinds.ServiceAccount, Kinds.Role, Kinds.RoleBinding, KubeBatchWorld.PodGroup];
        world.Cluster.RunUntil(() => !kinds.SelectMany(kind => world.List(kind)).Any(static o => o.Meta.Name.StartsWith("ring", StringComparison.Ordinal)), TimeSpan.FromMinutes(5), "nothing of it is left");
    }

    [Fact]
    public async Task At_rest_nothing_is_written()
    {
        await using var world = new KubeBatchWorld(static (_, _) => KubeBatchWorld.Forever);
        world.Create(KubeBatchWorld.Ring());
        world.RunUntil("Running");
        world.Cluster.RunFor(TimeSpan.FromMinutes(10));
        var writes = world.Cluster.Operator.Writes;

        world.Cluster.RunFor(TimeSpan.FromHours(2));
        Assert.Equal(writes, world.Cluster.Operator.Writes);
    }

    /// <summary>What deploy/kube-batch.yaml grants: each right has a life that needs it, and no life lacks one.</summary>
    [Fact]
    public async Task Every_right_is_needed_and_none_is_missing()
    {
        await using var world = new KubeBatchWorld();
        var job = KubeBatchWorld.Ring();
        job["metadata"]!["annotations"] = new JsonObject { [Mpi.Dialects.KubeMpiAnnotations.JobTtl] = "60" };
        job["spec"]!["podGroup"] = new JsonObject { ["spec"] = new JsonObject { ["queue"] = "night" } };
        world.Create(job);
        world.Cluster.RunUntil(() => world.Get(Mpi.Dialects.KubeBatchDialect.Mpi, "ring") is null, TimeSpan.FromMinutes(10), "its lifetime is over");
        Assert.Empty(world.Cluster.Operator.Forbidden);

        // Asked by an admission plugin about children with blockOwnerDeletion, by no request.
        Assert.Equal(["update mpis/finalizers.scheduling.incubator.k8s.io"], OperatorRights.OfKubeBatch.All.Except(world.Cluster.Operator.Asked).Select(static r => r.ToString()));
    }

    [Fact]
    public async Task Whenever_the_operator_dies_the_job_ends_as_it_would_have()
    {
        int writes;
        await using (var plain = new KubeBatchWorld(FailsOnce))
        {
            plain.Create(KubeBatchWorld.Ring());
            plain.RunUntil("Succeeded");
            plain.Cluster.RunFor(TimeSpan.FromMinutes(2));
            writes = plain.Cluster.Operator.Writes;
        }

        for (var n = 1; n <= writes; n++)
        {
            await using var world = new KubeBatchWorld(FailsOnce, new Faults { CrashAfter = [n], Name = $"crash after write {n}" });
            world.Create(KubeBatchWorld.Ring());
            world.RunUntil("Succeeded");
            Assert.Equal((2, 1), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "failures")));
            Assert.Equal(3, world.Pods.Count());
        }

        static PodScript? FailsOnce(int index, int attempt) => index == 1 && attempt == 1 ? KubeBatchWorld.Ends(TimeSpan.FromSeconds(5), exitCode: 1) : null;
    }
}
