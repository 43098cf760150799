using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Agent.Protocol;
using Mpi.Model;

namespace Mpi.Planning.Tests;

/// <summary>Jobs whose launcher reaches its workers over the agent (design section 4).</summary>
public sealed class AgentTransportTests
{
    [Fact]
    public void No_pod_is_made_before_the_address_that_workers_dial_is_known()
    {
        var world = new FakeWorld(Agent()) { GivesAddresses = false };
        world.Pass();
        Assert.Contains("create Service pi-agent", world.Writes);
        world.Pass();
        Assert.Empty(world.Pods);
        Assert.Null(world.Launcher);

        Service(world)["spec"]!["clusterIP"] = "10.96.0.9";
        world.Pass();

        Assert.Equal(2, world.Workers.Count());
        Assert.All(world.Workers, static pod => Assert.Equal("10.96.0.9", Env(pod, AgentContract.ServiceVariable)));
        Assert.NotNull(world.Launcher);
    }

    [Fact]
    public void Where_no_address_is_ever_given_workers_ask_for_the_launcher_by_its_name()
    {
        var world = new FakeWorld(Agent()) { GivesAddresses = false };
        world.Pass();
        while (world.Pass().RevisitAt is { } at && at > world.Now && !world.Pods.Any()) world.Now = at;

        Assert.Equal(2, world.Workers.Count());
        Assert.All(world.Workers, static pod => Assert.Null(Env(pod, AgentContract.ServiceVariable)));
        Assert.All(world.Workers, static pod => Assert.Equal("pi-launcher.pi.default.svc", Env(pod, AgentContract.LauncherVariable)));
    }

    [Fact]
    public void Each_side_gets_its_own_key_and_never_the_others()
    {
        var world = Settled(Agent());

        Assert.Equal(["worker.crt", "worker.key", "launcher.crt"], SecretKeys(world.Workers.First()));
        Assert.Equal(["launcher.crt", "launcher.key", "worker.crt"], SecretKeys(Launcher(world)));
        Assert.Null(world.Find(Kinds.Secret, "pi-ssh"));
    }

    [Fact]
    public void Workers_run_the_agent_and_the_launcher_calls_it_instead_of_ssh()
    {
        var world = Settled(Agent());

        Assert.Equal("""["/kubempi/kubempi-agent","worker"]""", ContainerZero(world.Workers.First())["command"]!.ToJsonString());
        Assert.Equal("/kubempi/kubempi-rsh", Env(Launcher(world), "OMPI_MCA_plm_rsh_agent"));
        Assert.Equal("/kubempi/kubempi-rsh", Env(Launcher(world), "PRTE_MCA_plm_ssh_agent"));
        Assert.Null(Env(Launcher(world), "OMPI_MCA_plm_rsh_args"));
        Assert.DoesNotContain("ssh-auth", Launcher(world).ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MPICH", "HYDRA_LAUNCHER_EXEC")]
    [InlineData("Intel", "I_MPI_HYDRA_BOOTSTRAP_EXEC")]
    public void Hydra_of_each_kind_is_told_of_the_agent(string mpi, string variable) =>
        Assert.Equal("/kubempi/kubempi-rsh", Env(Launcher(Settled(Agent(s => s["mpiImplementation"] = mpi))), variable));

    [Fact]
    public void The_gate_proves_over_the_agent_with_the_launchers_own_mounts_each_once()
    {
        var gate = Init(Launcher(Settled(Agent())), "kubempi-gate");

        Assert.Equal("agent", gate["command"]!.AsArray().Select(static w => w!.ToString()).SkipWhile(static w => w != "--transport").ElementAt(1));
        var mounts = gate["volumeMounts"]!.AsArray().Select(static m => m!["mountPath"]!.ToString()).ToList();
        Assert.Equal(mounts.Distinct(), mounts);
        Assert.Contains("/kubempi-credentials", mounts);
    }

    [Fact]
    public void A_job_without_a_gate_gets_the_agent_all_the_same()
    {
        var job = Agent();
        job["metadata"]!["annotations"]!["kubempi.dev/gate"] = "false";

        var launcher = Launcher(Settled(job));

        Assert.Equal(["kubempi-deliver"], launcher["spec"]!["initContainers"]!.AsArray().Select(static c => c!["name"]!.ToString()));
    }

    [Fact]
    public void A_read_only_image_gets_a_place_for_temporary_files_unless_it_has_one()
    {
        var job = Agent(static spec =>
        {
            foreach (var role in (string[])["Launcher", "Worker"]) spec.Container(role)["securityContext"] = new JsonObject { ["readOnlyRootFilesystem"] = true };
            spec.Container("Launcher")["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = "scratch", ["mountPath"] = "/tmp" });
        });

        var world = Settled(job);

        Assert.Equal("/kubempi/tmp", Env(world.Workers.First(), "TMPDIR"));
        Assert.Null(Env(Launcher(world), "TMPDIR"));
    }

    [Fact]
    public void Launchers_on_their_nodes_network_listen_on_ports_of_their_own()
    {
        var job = Agent(static spec => spec.PodSpec("Launcher")["hostNetwork"] = true);
        var other = (JsonObject)job.DeepClone();
        other["metadata"]!["uid"] = "another-uid";

        var (first, second) = (Port(Settled(job)), Port(Settled(other)));

        Assert.NotEqual(first, second);
        Assert.All([first, second], static port => Assert.InRange(port, 20_000, 29_999));
        Assert.Equal(AgentContract.DefaultPort, Port(Settled(Agent())));
    }

    [Fact]
    public void The_choice_and_its_reason_stand_in_status()
    {
        var world = Settled(Agent());
        Assert.Equal("""{"name":"agent","reason":"annotation kubempi.dev/transport"}""", world.Status["transport"]!.ToJsonString());

        world = Settled(Jobs.Pi());
        Assert.Equal("""{"name":"ssh","reason":"the default of kubeflow.org/v2beta1"}""", world.Status["transport"]!.ToJsonString());
    }

    [Fact]
    public void A_transport_that_is_chosen_while_pods_are_there_waits_for_a_suspension()
    {
        var world = Settled(Jobs.Pi());
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();

        world.Job.Object("metadata")["annotations"] = new JsonObject { ["kubempi.dev/transport"] = "agent" };
        world.Settle();
        Assert.Null(world.Find(Kinds.Service, "pi-agent"));
        Assert.Equal("ssh", world.Status["transport"]!["name"]!.ToString());

        world.Edit(static spec => spec.RunPolicy()["suspend"] = true);
        world.Settle();
        world.FinishDeletions();
        world.Settle();
        world.Edit(static spec => spec.RunPolicy()["suspend"] = false);
        for (var pass = 0; pass < 4; pass++)
        {
            world.Settle();
            world.FinishDeletions();
        }

        world.Settle();
        Assert.Equal("agent", world.Status["transport"]!["name"]!.ToString());
        Assert.All(world.Workers, static pod => Assert.Contains("worker.key", SecretKeys(pod)));
        Assert.Equal("/kubempi/kubempi-rsh", Env(Launcher(world), "OMPI_MCA_plm_rsh_agent"));
    }

    [Fact]
    public void A_job_that_another_operator_began_stays_with_ssh_and_nothing_is_written_to_say_so()
    {
        var world = Settled(Jobs.Pi());
        world.RunWorkers();
        world.RunLauncher();
        world.Settle();
        world.Status.Remove("transport");
        world.Job.Object("metadata")["annotations"] = new JsonObject { ["kubempi.dev/transport"] = "agent" };

        Assert.True(world.Pass().IsEmpty);
    }

    [Fact]
    public void Somebody_elses_service_of_that_name_stops_the_job_with_its_name()
    {
        var world = new FakeWorld(Agent());
        world.Put(Kinds.Service, new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Service", ["metadata"] = new JsonObject { ["name"] = "pi-agent" }, ["spec"] = new JsonObject { ["clusterIP"] = "10.96.0.8" } });
        world.Now += TimeSpan.FromMinutes(1);
        world.Pass();

        Assert.Contains("\"pi-agent\"", world.Condition("Blocked")!["message"]!.ToString(), StringComparison.Ordinal);
        Assert.Empty(world.Pods);
    }

    [Fact]
    public void The_added_containers_leave_the_pods_of_a_restricted_namespace_restricted()
    {
        var world = Settled(Agent());
        foreach (var pod in (JsonObject[])[world.Workers.First(), Launcher(world)])
        {
            Assert.All(pod["spec"]!["initContainers"]!.AsArray(), static container =>
            {
                var security = container!["securityContext"]!;
                Assert.False(security["allowPrivilegeEscalation"]!.GetValue<bool>());
                Assert.Equal("RuntimeDefault", security["seccompProfile"]!["type"]!.ToString());
                Assert.Equal("""["ALL"]""", security["capabilities"]!["drop"]!.ToJsonString());
            });
            Assert.All(pod["spec"]!["volumes"]!.AsArray(), static volume => Assert.True(volume!["secret"] is not null || volume["emptyDir"] is not null || volume["configMap"] is not null));
        }
    }

    internal static JsonObject Agent(Action<JsonObject>? spec = null)
    {
        var job = Jobs.Pi(spec: spec);
        job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/transport"] = "agent" };
        return job;
    }

    private static FakeWorld Settled(JsonObject job)
    {
        var world = new FakeWorld(job);
        world.Settle();
        return world;
    }

    private static JsonObject Service(FakeWorld world) => world.Find(Kinds.Service, "pi-agent")!;

    private static int Port(FakeWorld world) => Service(world)["spec"]!["ports"]![0]!["port"]!.GetValue<int>();

    private static JsonObject Launcher(FakeWorld world) => (JsonObject)world.Launcher!["spec"]!["template"]!;

    private static JsonObject ContainerZero(JsonObject pod) => (JsonObject)pod["spec"]!["containers"]![0]!;

    private static JsonObject Init(JsonObject pod, string name) => pod["spec"]!["initContainers"]!.AsArray().OfType<JsonObject>().Single(c => c["name"]!.ToString() == name);

    private static string? Env(JsonObject pod, string name) =>
        ContainerZero(pod)["env"]!.AsArray().SingleOrDefault(e => e!["name"]!.ToString() == name)?["value"]!.ToString();

    private static IEnumerable<string> SecretKeys(JsonObject pod) => pod["spec"]!["volumes"]!.AsArray().Single(static v => v!["secret"] is not null)!["secret"]!["items"]!.AsArray().Select(static i => i!["key"]!.ToString());
}
