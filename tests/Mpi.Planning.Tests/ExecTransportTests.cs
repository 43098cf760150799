using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>Jobs whose launcher runs commands in its workers through the Kubernetes API (design section 4).</summary>
public sealed class ExecTransportTests
{
    [Fact]
    public void The_launchers_account_may_run_commands_in_the_jobs_workers_and_nothing_else()
    {
        var world = Settled(Exec());

        Assert.Equal("""[{"apiGroups":[""],"resources":["pods/exec"],"resourceNames":["pi-worker-0","pi-worker-1"],"verbs":["get","create"]}]""", Role(world)["rules"]!.ToJsonString());
        var binding = world.Find(Kinds.RoleBinding, "pi-launcher")!;
        Assert.Equal("""{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"pi-launcher"}""", binding["roleRef"]!.ToJsonString());
        Assert.Equal("""[{"kind":"ServiceAccount","name":"pi-launcher","namespace":"default"}]""", binding["subjects"]!.ToJsonString());
        Assert.Equal("pi-launcher", Launcher(world)["spec"]!["serviceAccountName"]!.ToString());
        Assert.True(Launcher(world)["spec"]!["automountServiceAccountToken"]!.GetValue<bool>());
        foreach (var kind in (ResourceKind[])[Kinds.ServiceAccount, Kinds.Role, Kinds.RoleBinding]) Assert.Equal("pi", world.Find(kind, "pi-launcher")!["metadata"]!["ownerReferences"]![0]!["name"]!.ToString());
    }

    [Fact]
    public void The_account_is_there_before_any_pod_asks_for_it()
    {
        var world = Settled(Exec());
        Assert.InRange(world.Writes.IndexOf("create ServiceAccount pi-launcher"), 0, world.Writes.IndexOf("create Job pi-launcher") - 1);

        var alone = Planner.Decide(new FakeWorld(Exec()).Observe()).Actions.OfType<PlanAction.Create>().Single(static a => a.Kind == Kinds.ServiceAccount);
        Assert.True(alone.Alone);
    }

    [Theory]
    [InlineData(3, """["pi-worker-0","pi-worker-1","pi-worker-2"]""")]
    [InlineData(1, """["pi-worker-0"]""")]
    public void The_Role_follows_the_number_of_workers(int count, string names)
    {
        var world = Settled(Exec());

        world.Edit(s => s["mpiReplicaSpecs"]!["Worker"]!["replicas"] = count);
        world.Settle();

        Assert.Equal(names, Role(world)["rules"]![0]!["resourceNames"]!.ToJsonString());
        Assert.Single(world.Writes, static w => w == "patch Role pi-launcher");
    }

    /// <summary>A rule without resourceNames would be about every pod of the namespace.</summary>
    [Fact]
    public void A_job_without_workers_grants_nothing()
    {
        var world = Settled(Exec(static spec => ((JsonObject)spec["mpiReplicaSpecs"]!).Remove("Worker")));
        Assert.Equal("[]", Role(world)["rules"]!.ToJsonString());
    }

    [Fact]
    public void Workers_without_a_command_wait_and_those_with_one_keep_it()
    {
        Assert.Equal("""["/bin/sh","-c","trap exit TERM; sleep 365d \u0026 wait"]""", ContainerZero(Settled(Exec()).Workers.First())["command"]!.ToJsonString());

        var own = Settled(Exec(static spec => spec.Container("Worker")["command"] = new JsonArray("/opt/serve"))).Workers.First();
        Assert.Equal("""["/opt/serve"]""", ContainerZero(own)["command"]!.ToJsonString());
        Assert.Null(own["spec"]!["initContainers"]);
        Assert.Equal("""["kubempi-exec"]""", new JsonArray([.. own["spec"]!["volumes"]!.AsArray().Single()!["configMap"]!["items"]!.AsArray().Select(static i => i!["path"]!.DeepClone())]).ToJsonString());
        Assert.Equal("/kubempi", ContainerZero(own)["volumeMounts"]!.AsArray().Single()!["mountPath"]!.ToString());
        Assert.Null(own["spec"]!["serviceAccountName"]);
    }

    [Fact]
    public void No_keys_are_made_and_no_Service_but_the_pods_names()
    {
        var world = Settled(Exec());
        Assert.DoesNotContain(world.Writes, static w => w.Contains("Secret", StringComparison.Ordinal) || w == "create Service pi-agent");
        Assert.DoesNotContain("ssh-auth", Launcher(world).ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OpenMPI", "OMPI_MCA_plm_rsh_agent")]
    [InlineData("OpenMPI", "PRTE_MCA_plm_ssh_agent")]
    [InlineData("MPICH", "HYDRA_LAUNCHER_EXEC")]
    [InlineData("Intel", "I_MPI_HYDRA_BOOTSTRAP_EXEC")]
    public void Mpi_of_each_kind_calls_the_program_that_goes_through_the_API(string mpi, string variable)
    {
        var launcher = Launcher(Settled(Exec(s => s["mpiImplementation"] = mpi)));
        Assert.Equal("/kubempi/kubempi-exec", Env(launcher, variable));
        Assert.Equal("worker", Env(launcher, "KUBEMPI_EXEC_CONTAINER"));
    }

    [Fact]
    public void The_gate_proves_each_worker_by_the_same_way()
    {
        var gate = Launcher(Settled(Exec()))["spec"]!["initContainers"]!.AsArray().OfType<JsonObject>().Single(static c => c["name"]!.ToString() == "kubempi-gate");

        Assert.Equal("exec", gate["command"]!.AsArray().Select(static w => w!.ToString()).SkipWhile(static w => w != "--transport").ElementAt(1));
        Assert.Single(gate["volumeMounts"]!.AsArray(), static m => m!["mountPath"]!.ToString() == "/kubempi");
        Assert.Contains(gate["env"]!.AsArray(), static e => e!["name"]!.ToString() == "KUBEMPI_EXEC_CONTAINER");
    }

    [Fact]
    public void The_choice_stands_in_status() =>
        Assert.Equal("""{"name":"exec","reason":"annotation kubempi.dev/transport"}""", Settled(Exec()).Status["transport"]!.ToJsonString());

    [Theory]
    [InlineData("ServiceAccount", "v1")]
    [InlineData("Role", "rbac.authorization.k8s.io/v1")]
    [InlineData("RoleBinding", "rbac.authorization.k8s.io/v1")]
    public void Somebody_elses_object_of_that_name_stops_the_job_and_is_left_alone(string kind, string version)
    {
        var world = new FakeWorld(Exec());
        var resource = ((ResourceKind[])[Kinds.ServiceAccount, Kinds.Role, Kinds.RoleBinding]).Single(k => k.Kind == kind);
        world.Put(resource, new JsonObject { ["apiVersion"] = version, ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = "pi-launcher" } });
        world.Now += TimeSpan.FromMinutes(1);
        world.Pass();

        Assert.Contains($"Resource \"pi-launcher\" of Kind \"{kind}\" already exists", world.Condition("Blocked")!["message"]!.ToString(), StringComparison.Ordinal);
        Assert.Empty(world.Pods);

        world.Remove(resource, "pi-launcher");
        world.Settle();
        Assert.Equal(2, world.Workers.Count());
    }

    private static JsonObject Exec(Action<JsonObject>? spec = null)
    {
        var job = Jobs.Pi(spec: spec);
        job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/transport"] = "exec" };
        return job;
    }

    private static FakeWorld Settled(JsonObject job)
    {
        var world = new FakeWorld(job);
        world.Settle();
        return world;
    }

    private static JsonObject Role(FakeWorld world) => world.Find(Kinds.Role, "pi-launcher")!;

    private static JsonObject Launcher(FakeWorld world) => (JsonObject)world.Launcher!["spec"]!["template"]!;

    private static JsonObject ContainerZero(JsonObject pod) => (JsonObject)pod["spec"]!["containers"]![0]!;

    private static string? Env(JsonObject pod, string name) =>
        ContainerZero(pod)["env"]!.AsArray().SingleOrDefault(e => e!["name"]!.ToString() == name)?["value"]!.ToString();
}
