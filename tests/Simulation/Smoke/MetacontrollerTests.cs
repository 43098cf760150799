using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Nodes.Virtual;
using Kube.Types;

namespace Simulation;

/// <summary>MPIJobs of skatelescope.org: workers of a StatefulSet, against its real controller, the scheduler and the garbage collector.</summary>
public sealed class MetacontrollerTests
{
    [Fact]
    public async Task A_job_runs_to_its_end_keeps_its_workers_and_tells_it_in_the_old_fields()
    {
        await using var world = new MetacontrollerWorld();
        world.Create(MetacontrollerWorld.Hello(3));
        world.RunUntil("Running");
        Assert.Equal("""{"state":"Running","status":"Unknown","success":"Unknown"}""", world.Job.Root.At("status", "job").ToString());

        world.RunUntil("Succeeded");
        world.Cluster.RunFor(TimeSpan.FromMinutes(10));
        var status = world.Job.Root.At("status");
        Assert.Equal("""{"state":"Finished","status":"Complete","success":"succeeded"}""", status.At("job").ToString());
        Assert.Equal((3, 3, 3), (status.Integer("replicas"), status.Integer("currentReplicas"), status.Integer("readyReplicas")));
        Assert.Equal(3, world.Workers.Count());
        Assert.Equal("mpioperator-hello-launcher", Assert.Single(world.Pods("launcher")).Meta.Labels["job-name"]);

        // ServiceAccount, Role, RoleBinding, ConfigMap, Secret, two Services, StatefulSet and Job; three statuses; three events; and a word to spare.
        Assert.True(world.Cluster.Operator.Writes <= 16, string.Join("\n", world.Cluster.Operator.WritesSeen));
        Assert.Empty(world.Cluster.Operator.Forbidden);
    }

    [Fact]
    public async Task What_is_read_otherwise_than_it_is_written_stands_in_a_condition()
    {
        await using var world = new MetacontrollerWorld();
        world.Create(MetacontrollerWorld.Hello(2, """{"daemons": true}""", static job => job["spec"]!["template"]!["spec"]!["restartPolicy"] = "Always"));
        world.RunUntil("Succeeded");
        var condition = Conditions.Find(world.Job.Root.At("status"), "ReadOtherwise")!;
        Assert.Equal(("True", "ManifestWarning"), (condition.Status, condition.Reason));
        Assert.Equal("spec.daemons is read as spec.daemon, which is the field's name; spec.template.spec.restartPolicy Always is read as Never: a launcher has an end", condition.Message);
        Assert.Single(world.List(Kinds.Event), static e => e.Root.Text("reason") == "ManifestWarning" && e.Root.Text("message")!.StartsWith("spec.daemons", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Many_workers_cost_no_more_writes_than_few()
    {
        var counts = new List<int>();
        foreach (var workers in (int[])[1, 64])
        {
            await using var world = new MetacontrollerWorld();
            world.Create(MetacontrollerWorld.Hello(workers));
            world.RunUntil("Succeeded");
            counts.Add(world.Cluster.Operator.Writes);
        }

        Assert.Equal(counts[0], counts[1]);
    }

    [Fact]
    public async Task The_launcher_is_made_when_the_last_worker_runs()
    {
        await using var world = new MetacontrollerWorld(worker: static (index, _) => index == 1 ? MetacontrollerWorld.Forever with { StartDelay = TimeSpan.FromMinutes(20) } : null);
        world.Create(MetacontrollerWorld.Hello());
        world.Cluster.RunFor(TimeSpan.FromMinutes(19));
        Assert.Null(world.Get(Kinds.Job, "mpioperator-hello-launcher"));

        world.RunUntil("Succeeded");
        Assert.Equal(1, world.Job.Root.Integer("status", "attempt", "number"));
    }

    [Fact]
    public async Task In_daemon_mode_a_worker_without_a_node_is_left_out_and_never_joins()
    {
        await using var world = new MetacontrollerWorld(nodes: 1);
        world.Create(MetacontrollerWorld.Hello(2, """{"daemon": true}"""));
        world.Cluster.RunUntil(() => world.Workers.Any(static w => w.Root.Text("status", "phase") == "Running"), TimeSpan.FromMinutes(1), "one worker runs");
        world.Cluster.RunFor(TimeSpan.FromSeconds(50));
        Assert.Null(world.Get(Kinds.Job, "mpioperator-hello-launcher"));

        world.RunUntil("Succeeded");
        var left = Assert.Single(world.Job.Root.Words("status", "leftOut"));
        var running = world.Workers.Single(static w => w.Root.Text("status", "phase") == "Running").Meta.Name;
        Assert.NotEqual(running, left);
        Assert.Equal($"{running} slots=1\n", world.Hosts("hostfile"));
        Assert.Equal("mpioperator-hello-worker-0 slots=1\nmpioperator-hello-worker-1 slots=1\n", world.Hosts("proposedhosts"));
        Assert.Equal("Pending", world.Workers.Single(w => w.Meta.Name == left).Root.Text("status", "phase"));
        Assert.Contains(world.List(Kinds.Event), e => e.Root.Text("reason") == "WorkersLeftOut" && e.Root.Text("message")!.Contains($"there is no node for {left}, 60 s after", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_worker_that_is_only_late_is_waited_for_in_daemon_mode_too()
    {
        await using var world = new MetacontrollerWorld(nodes: 2, worker: static (index, _) => index == 1 ? MetacontrollerWorld.Forever with { StartDelay = TimeSpan.FromMinutes(5) } : null);
        world.Create(MetacontrollerWorld.Hello(2, """{"daemon": true}"""));
        world.RunUntil("Succeeded");

        Assert.False(world.Job.Root.Has("status", "leftOut"));
        Assert.Equal(2, world.Hosts("hostfile").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task A_launcher_is_never_made_for_no_worker_at_all()
    {
        await using var world = new MetacontrollerWorld(nodes: 1);
        world.Create(MetacontrollerWorld.Hello(2, """{"daemon": true}""", static job =>
            job["spec"]!["template"]!["spec"]!["containers"]![0]!["resources"] = JsonNode.Parse("""{"requests": {"cpu": "1000"}}""")));
        world.RunUntil("Blocked");
        world.Cluster.RunFor(TimeSpan.FromHours(2));

        Assert.Null(world.Get(Kinds.Job, "mpioperator-hello-launcher"));
        Assert.Equal("there is no node for any of the 2 workers; the run starts with those that get one", world.Message("Blocked"));
    }

    [Fact]
    public async Task A_worker_whose_container_dies_under_the_run_restarts_the_gang_once()
    {
        await using var world = new MetacontrollerWorld(worker: static (index, made) => index == 1 && made == 1 ? MetacontrollerWorld.Forever with { Runs = [new ContainerRun(TimeSpan.FromSeconds(12), 137), new ContainerRun(null)] } : null);
        world.Create(MetacontrollerWorld.Hello());
        world.RunUntil("Succeeded");

        Assert.Equal((2, 1), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "failures")));
        Assert.Equal(2, world.Workers.Count());
    }

    [Fact]
    public async Task A_worker_that_somebody_deletes_is_replaced_by_its_StatefulSet_and_costs_no_retry()
    {
        await using var world = new MetacontrollerWorld();
        world.Create(MetacontrollerWorld.Hello());
        world.RunUntil("Running");
        // Long enough after the launcher's start that no clock's difference can explain a younger worker.
        world.Cluster.RunFor(TimeSpan.FromSeconds(5));
        SimulatedCluster.Now(world.Cluster.Admin.DeleteAsync(Kinds.Pod, "default", "mpioperator-hello-worker-0", new DeleteOptions(), CancellationToken.None));
        world.RunUntil("Succeeded");

        Assert.Equal((2, null, 1), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "failures"), world.Job.Root.Integer("status", "attempt", "losses")));
        Assert.DoesNotContain(world.Cluster.Operator.WritesSeen, static w => w.Contains("delete pods", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_edit_after_the_start_is_refused_and_taking_it_back_settles_that()
    {
        await using var world = new MetacontrollerWorld(launcher: PodScript.RunsFor(TimeSpan.FromMinutes(5)));
        world.Create(MetacontrollerWorld.Hello());
        world.RunUntil("Running");
        world.Edit("""{"spec": {"replicas": 5}}""");
        world.RunUntil("Invalid");
        Assert.Contains("spec: Forbidden: cannot be changed once the job has started", world.Message("Invalid"), StringComparison.Ordinal);
        Assert.Equal(2, world.Set.Root.Integer("spec", "replicas"));

        world.Edit("""{"spec": {"replicas": 2}}""");
        world.Cluster.RunUntil(() => !world.Has("Invalid"), TimeSpan.FromMinutes(1), "it is settled");
        world.Edit("""{"spec": {"replicas": 3}}""");
        world.RunUntil("Succeeded");
    }

    [Fact]
    public async Task A_finished_launcher_that_somebody_deletes_is_not_run_again()
    {
        await using var world = new MetacontrollerWorld();
        world.Create(MetacontrollerWorld.Hello());
        world.RunUntil("Succeeded");
        SimulatedCluster.Now(world.Cluster.Admin.DeleteAsync(Kinds.Job, "default", "mpioperator-hello-launcher", new DeleteOptions(Propagation: "Background"), CancellationToken.None));
        world.Cluster.RunFor(TimeSpan.FromHours(1));

        Assert.Null(world.Get(Kinds.Job, "mpioperator-hello-launcher"));
        Assert.True(world.Has("Succeeded"));
    }

    [Fact]
    public async Task Workers_of_a_finished_job_go_where_it_is_asked_for()
    {
        await using var world = new MetacontrollerWorld();
        world.Create(MetacontrollerWorld.Hello(change: static job => job["metadata"]!["annotations"] = new JsonObject { [Mpi.Dialects.KubeMpiAnnotations.CleanPodPolicy] = "All" }));
        world.RunUntil("Succeeded");
        world.Cluster.RunUntil(() => !world.Workers.Any(), TimeSpan.FromMinutes(5), "no worker is left");

        Assert.Equal(0, world.Set.Root.Integer("spec", "replicas"));
        Assert.Single(world.Pods("launcher"));
    }

    [Fact]
    public async Task Where_the_old_controller_is_still_installed_nothing_is_made_until_it_is_gone()
    {
        await using var world = new MetacontrollerWorld();
        var kind = new Mpi.Dialects.MetacontrollerDialect().Rival.Kind;
        world.Cluster.Create((JsonObject)JsonNode.Parse(
            """
            {
              "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
              "metadata": {"name": "compositecontrollers.metacontroller.k8s.io", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
              "spec": {
                "group": "metacontroller.k8s.io", "scope": "Cluster", "names": {"kind": "CompositeController", "plural": "compositecontrollers"},
                "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]
              }
            }
            """)!, Kinds.CustomResourceDefinition);
        world.Cluster.RunFor(TimeSpan.FromSeconds(1));
        world.Cluster.Create(new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = new JsonObject { ["name"] = "mpi-controller" } }, kind);
        world.Create(MetacontrollerWorld.Hello());
        world.RunUntil("Blocked");
        Assert.Contains("CompositeController mpi-controller works on jobs of this kind, too", world.Message("Blocked"), StringComparison.Ordinal);
        world.Cluster.RunFor(TimeSpan.FromMinutes(10));
        Assert.Null(world.Get(Kinds.StatefulSet, "mpioperator-hello-worker"));
        Assert.Null(world.Get(Kinds.ConfigMap, "mpioperator-hello-config"));

        SimulatedCluster.Now(world.Cluster.Admin.DeleteAsync(kind, null, "mpi-controller", new DeleteOptions(), CancellationToken.None));
        world.RunUntil("Succeeded");
        Assert.False(world.Has("Blocked"));
    }

    [Fact]
    public async Task Whenever_the_operator_dies_the_job_ends_as_it_would_have()
    {
        int writes;
        await using (var plain = new MetacontrollerWorld(worker: FailsOnce))
        {
            plain.Create(MetacontrollerWorld.Hello());
            plain.RunUntil("Succeeded");
            plain.Cluster.RunFor(TimeSpan.FromMinutes(2));
            writes = plain.Cluster.Operator.Writes;
        }

        for (var n = 1; n <= writes; n++)
        {
            foreach (var faults in (Faults[])[new Faults { CrashAfter = [n], Name = $"crash after write {n}" }, new Faults { CrashBefore = [n], Name = $"crash before write {n}" }])
            {
                await using var world = new MetacontrollerWorld(worker: FailsOnce, faults: faults);
                world.Create(MetacontrollerWorld.Hello());
                world.RunUntil("Succeeded");
                Assert.Equal((2, 1), (world.Job.Root.Integer("status", "attempt", "number"), world.Job.Root.Integer("status", "attempt", "failures")));
                Assert.Equal(2, world.Workers.Count());
            }
        }

        static PodScript? FailsOnce(int index, int made) => index == 1 && made == 1 ? MetacontrollerWorld.Forever with { Runs = [new ContainerRun(TimeSpan.FromSeconds(12), 1), new ContainerRun(null)] } : null;
    }

    [Fact]
    public async Task A_deleted_job_takes_all_its_objects_along()
    {
        await using var world = new MetacontrollerWorld();
        world.Create(MetacontrollerWorld.Hello());
        world.RunUntil("Running");
        SimulatedCluster.Now(world.Cluster.Admin.DeleteAsync(MetacontrollerWorld.Kind, "default", "hello", new DeleteOptions(Propagation: "Background"), CancellationToken.None));

        ResourceKind[] kinds = [Kinds.Pod, Kinds.Job, Kinds.StatefulSet, Kinds.Service, Kinds.ConfigMap, Kinds.Secret, Kinds.ServiceAccount, Kinds.Role, Kinds.RoleBinding];
        world.Cluster.RunUntil(() => !kinds.SelectMany(k => world.List(k)).Any(static o => o.Meta.Name.StartsWith("mpioperator-", StringComparison.Ordinal)), TimeSpan.FromMinutes(5), "nothing of it is left");
    }

    [Fact]
    public async Task At_rest_nothing_is_written_or_read()
    {
        await using var world = new MetacontrollerWorld(launcher: PodScript.RunsForever);
        world.Create(MetacontrollerWorld.Hello());
        world.RunUntil("Running");
        world.Cluster.RunFor(TimeSpan.FromMinutes(20));
        var (writes, gets) = (world.Cluster.Operator.Writes, world.Cluster.Operator.Gets);

        world.Cluster.RunFor(TimeSpan.FromMinutes(40));
        Assert.Equal((writes, gets), (world.Cluster.Operator.Writes, world.Cluster.Operator.Gets));
    }

    /// <summary>What deploy/metacontroller.yaml grants: each right has a life that needs it, and no life lacks one.</summary>
    [Fact]
    public async Task Every_right_is_needed_and_none_is_missing()
    {
        var asked = new HashSet<string>(StringComparer.Ordinal);
        await using (var world = new MetacontrollerWorld())
        {
            // A name that is taken is looked at; a job whose time is over is deleted.
            world.Cluster.Create(new JsonObject { ["apiVersion"] = "apps/v1", ["kind"] = "StatefulSet", ["metadata"] = new JsonObject { ["namespace"] = "default", ["name"] = "mpioperator-hello-worker" }, ["spec"] = JsonNode.Parse("""{"replicas": 0, "serviceName": "x", "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}}}""") }, Kinds.StatefulSet);
            world.Create(MetacontrollerWorld.Hello(change: static job => job["metadata"]!["annotations"] = new JsonObject
            {
                [Mpi.Dialects.KubeMpiAnnotations.JobTtl] = "60",
                [Mpi.Dialects.KubeMpiAnnotations.CleanPodPolicy] = "All",
            }));
            world.RunUntil("Blocked");
            SimulatedCluster.Now(world.Cluster.Admin.DeleteAsync(Kinds.StatefulSet, "default", "mpioperator-hello-worker", new DeleteOptions(), CancellationToken.None));
            world.RunUntil("Succeeded");
            world.Cluster.RunUntil(() => world.Get(MetacontrollerWorld.Kind, "hello") is null, TimeSpan.FromMinutes(10), "its lifetime is over");
            Assert.Empty(world.Cluster.Operator.Forbidden);
            asked.UnionWith(world.Cluster.Operator.Asked.Select(static r => r.ToString()));
        }

        // Asked by an admission plugin about children with blockOwnerDeletion, by no request.
        Assert.Equal(["update mpijobs/finalizers.skatelescope.org"], OperatorRights.OfMetacontroller.All.Select(static r => r.ToString()).Except(asked));
    }
}
