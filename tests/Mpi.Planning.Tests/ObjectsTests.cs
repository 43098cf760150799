using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>The objects that are made: in strict mode exactly kubeflow's, else those with our additions.</summary>
public sealed class ObjectsTests
{
    private static readonly PlanningOptions Strict = new() { Strict = true };

    [Fact]
    public void Strictly_the_service_publishes_unready_addresses_only_for_a_launcher_that_runs_ranks()
    {
        Assert.False(Made(options: Strict).Find(Kinds.Service, "pi")!["spec"]!["publishNotReadyAddresses"]!.GetValue<bool>());
        Assert.True(Made(static s => s["runLauncherAsWorker"] = true, Strict).Find(Kinds.Service, "pi")!["spec"]!["publishNotReadyAddresses"]!.GetValue<bool>());
    }

    [Fact]
    public void The_service_fronts_launcher_and_workers_and_publishes_addresses_before_pods_are_ready() =>
        Same(
            """
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"pi","namespace":"default","labels":{"app":"pi"},
            "ownerReferences":[{"apiVersion":"kubeflow.org/v2beta1","kind":"MPIJob","name":"pi","uid":"job-uid","controller":true,"blockOwnerDeletion":true}]},
            "spec":{"clusterIP":"None","selector":{"training.kubeflow.org/operator-name":"mpi-operator","training.kubeflow.org/job-name":"pi"},"publishNotReadyAddresses":true}}
            """,
            Bare(Made().Find(Kinds.Service, "pi")!));

    [Fact]
    public void The_key_secret_is_asked_for_by_type_and_never_by_value()
    {
        var plan = Planner.Decide(new FakeWorld(Jobs.Pi()).Observe());
        var keys = Assert.Single(plan.Actions.OfType<PlanAction.CreateKeys>()).SecretWithoutData;
        Assert.Equal("kubernetes.io/ssh-auth", keys["type"]!.ToString());
        Assert.Equal("pi-ssh", keys["metadata"]!["name"]!.ToString());
        Assert.Null(keys["data"]);
    }

    [Fact]
    public void Strictly_a_worker_is_kubeflows_worker() => Same(
        """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"pi-worker-1","namespace":"default","labels":{
        "training.kubeflow.org/job-name":"pi","training.kubeflow.org/job-role":"worker","training.kubeflow.org/operator-name":"mpi-operator","training.kubeflow.org/replica-index":"1"},
        "ownerReferences":[{"apiVersion":"kubeflow.org/v2beta1","kind":"MPIJob","name":"pi","uid":"job-uid","controller":true,"blockOwnerDeletion":true}]},
        "spec":{"containers":[{"name":"worker","image":"mpioperator/mpi-pi","command":["/usr/sbin/sshd","-De"],"env":[{"name":"K_MPI_JOB_ROLE","value":"worker"}],
        "volumeMounts":[{"name":"ssh-auth","mountPath":"/root/.ssh"}]}],
        "hostname":"pi-worker-1","subdomain":"pi","dnsConfig":{"searches":["pi.default.svc.cluster.local"]},"restartPolicy":"Never",
        "volumes":[{"name":"ssh-auth","secret":{"secretName":"pi-ssh","defaultMode":384,"items":[
        {"key":"ssh-privatekey","path":"id_rsa"},{"key":"ssh-publickey","path":"id_rsa.pub"},{"key":"ssh-publickey","path":"authorized_keys"}]}}]}}
        """,
        Bare(Made(options: Strict).Find(Kinds.Pod, "pi-worker-1")!));

    [Fact]
    public void Strictly_the_launcher_is_kubeflows_launcher() => Same(
        """
        {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"pi-launcher","namespace":"default","labels":{"app":"pi"},
        "ownerReferences":[{"apiVersion":"kubeflow.org/v2beta1","kind":"MPIJob","name":"pi","uid":"job-uid","controller":true,"blockOwnerDeletion":true}]},
        "spec":{"ttlSecondsAfterFinished":60,"activeDeadlineSeconds":7200,"backoffLimit":3,"podReplacementPolicy":"Failed","template":{
        "metadata":{"labels":{"training.kubeflow.org/job-name":"pi","training.kubeflow.org/job-role":"launcher","training.kubeflow.org/operator-name":"mpi-operator"},
        "ownerReferences":[{"apiVersion":"kubeflow.org/v2beta1","kind":"MPIJob","name":"pi","uid":"job-uid","controller":true,"blockOwnerDeletion":true}]},
        "spec":{"containers":[{"name":"launcher","image":"mpioperator/mpi-pi","command":["mpirun","-n","2","/home/mpiuser/pi"],"env":[
        {"name":"K_MPI_JOB_ROLE","value":"launcher"},{"name":"OMPI_MCA_orte_keep_fqdn_hostnames","value":"true"},{"name":"OMPI_MCA_orte_default_hostfile","value":"/etc/mpi/hostfile"},
        {"name":"OMPI_MCA_plm_rsh_args","value":"-o ConnectionAttempts=10"},{"name":"OMPI_MCA_orte_set_default_slots","value":"1"},
        {"name":"NVIDIA_VISIBLE_DEVICES","value":""},{"name":"NVIDIA_DRIVER_CAPABILITIES","value":""}],
        "volumeMounts":[{"name":"ssh-auth","mountPath":"/root/.ssh"},{"name":"mpi-job-config","mountPath":"/etc/mpi"}]}],
        "hostname":"pi-launcher","subdomain":"pi","restartPolicy":"OnFailure",
        "volumes":[{"name":"ssh-auth","secret":{"secretName":"pi-ssh","defaultMode":384,"items":[
        {"key":"ssh-privatekey","path":"id_rsa"},{"key":"ssh-publickey","path":"id_rsa.pub"},{"key":"ssh-publickey","path":"authorized_keys"}]}},
        {"name":"mpi-job-config","configMap":{"name":"pi-config","items":[{"key":"hostfile","path":"hostfile","mode":292},{"key":"discover_hosts.sh","path":"discover_hosts.sh","mode":365}]}}]}}}}
        """,
        Bare(Made(
            static s =>
            {
                s.RunPolicy()["ttlSecondsAfterFinished"] = 60;
                s.RunPolicy()["activeDeadlineSeconds"] = 7200;
                s.RunPolicy()["backoffLimit"] = 3;
            },
            Strict).Launcher!));

    [Theory]
    [InlineData("OpenMPI", "K_MPI_JOB_ROLE OMPI_MCA_orte_keep_fqdn_hostnames OMPI_MCA_orte_default_hostfile OMPI_MCA_plm_rsh_args OMPI_MCA_orte_set_default_slots NVIDIA_VISIBLE_DEVICES NVIDIA_DRIVER_CAPABILITIES")]
    [InlineData("Intel", "K_MPI_JOB_ROLE I_MPI_HYDRA_HOST_FILE I_MPI_HYDRA_BOOTSTRAP_EXEC_EXTRA_ARGS I_MPI_PERHOST NVIDIA_VISIBLE_DEVICES NVIDIA_DRIVER_CAPABILITIES")]
    [InlineData("MPICH", "K_MPI_JOB_ROLE HYDRA_HOST_FILE HYDRA_LAUNCH_EXTRA_ARGS NVIDIA_VISIBLE_DEVICES NVIDIA_DRIVER_CAPABILITIES")]
    public void Strictly_the_environment_stands_after_the_users_in_kubeflows_order(string implementation, string names)
    {
        var world = Made(s =>
        {
            s["mpiImplementation"] = implementation;
            s.Container("Launcher")["env"] = new JsonArray(new JsonObject { ["name"] = "FOO", ["value"] = "bar" }, new JsonObject { ["name"] = "K_MPI_JOB_ROLE", ["value"] = "mine" });
        }, Strict);
        Assert.Equal($"FOO K_MPI_JOB_ROLE {names}", string.Join(' ', LauncherEnv(world).Select(static e => e.Key)));
    }

    [Fact]
    public void Open_MPI_4_and_5_both_learn_of_the_hostfile()
    {
        var env = LauncherEnv(Made(static s => s["slotsPerWorker"] = 4)).ToDictionary();
        Assert.Equal("/etc/mpi/hostfile", env["OMPI_MCA_orte_default_hostfile"]);
        Assert.Equal("/etc/mpi/hostfile", env["PRTE_MCA_prte_default_hostfile"]);
        Assert.Equal("false", env["PRTE_MCA_prte_keep_fqdn_hostnames"]);
        Assert.Equal(("4", "4"), (env["OMPI_MCA_orte_set_default_slots"], env["PRTE_MCA_prte_set_default_slots"]));
        Assert.Equal("-o ConnectionAttempts=10", env["PRTE_MCA_plm_ssh_args"]);
    }

    [Fact]
    public void A_variable_that_the_user_set_stays_the_users_but_not_the_role()
    {
        var env = LauncherEnv(Made(static s => s.Container("Launcher")["env"] = new JsonArray(
            new JsonObject { ["name"] = "OMPI_MCA_plm_rsh_args", ["value"] = "-p 2222" },
            new JsonObject { ["name"] = "PRTE_MCA_plm_ssh_args", ["value"] = "-p 2222" },
            new JsonObject { ["name"] = "K_MPI_JOB_ROLE", ["value"] = "mine" }))).ToList();
        Assert.Equal("-p 2222", Assert.Single(env, static e => e.Key == "OMPI_MCA_plm_rsh_args").Value);
        Assert.Equal("-p 2222", Assert.Single(env, static e => e.Key == "PRTE_MCA_plm_ssh_args").Value);
        Assert.Equal("launcher", Assert.Single(env, static e => e.Key == "K_MPI_JOB_ROLE").Value);
    }

    [Fact]
    public void A_launcher_that_runs_ranks_keeps_its_devices_and_is_pod_0_of_the_gang()
    {
        var world = Made(static s => s["runLauncherAsWorker"] = true);
        Assert.DoesNotContain(LauncherEnv(world), static e => e.Key.StartsWith("NVIDIA", StringComparison.Ordinal));
        Assert.Equal("0", FakeWorld.Text((JsonObject)world.Launcher!["spec"]!["template"]!, "metadata", "labels", "training.kubeflow.org/replica-index"));
        Assert.Equal("2", FakeWorld.Text(world.Find(Kinds.Pod, "pi-worker-1")!, "metadata", "labels", "training.kubeflow.org/replica-index"));
        Assert.StartsWith("pi-launcher.pi.default.svc slots=1\npi-worker-0.", HostfileOf(world), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OpenMPI", 1, false, "", "pi-worker-0.pi.default.svc slots=1\npi-worker-1.pi.default.svc slots=1\n")]
    [InlineData("OpenMPI", 0, false, "", "pi-worker-0.pi.default.svc slots=0\npi-worker-1.pi.default.svc slots=0\n")]
    [InlineData("OpenMPI", 4, true, "", "pi-launcher.pi.default.svc slots=4\npi-worker-0.pi.default.svc slots=4\npi-worker-1.pi.default.svc slots=4\n")]
    [InlineData("OpenMPI", 2, false, "cluster.local", "pi-worker-0.pi.default.svc.cluster.local slots=2\npi-worker-1.pi.default.svc.cluster.local slots=2\n")]
    [InlineData("Intel", 5, false, "", "pi-worker-0.pi.default.svc:5\npi-worker-1.pi.default.svc:5\n")]
    [InlineData("MPICH", 5, true, "x.y", "pi-launcher.pi.default.svc.x.y:5\npi-worker-0.pi.default.svc.x.y:5\npi-worker-1.pi.default.svc.x.y:5\n")]
    public void The_hostfile_lists_every_wanted_host_in_the_words_of_its_MPI(string implementation, int slots, bool launcherToo, string domain, string expected)
    {
        foreach (var strict in (bool[])[false, true])
        {
            var world = Made(
                s =>
                {
                    s["mpiImplementation"] = implementation;
                    s["slotsPerWorker"] = slots;
                    s["runLauncherAsWorker"] = launcherToo;
                },
                new PlanningOptions { ClusterDomain = domain, Strict = strict });
            Assert.Equal(expected, HostfileOf(world));
        }
    }

    [Fact]
    public void Without_workers_the_hostfile_is_empty_unless_the_launcher_runs_ranks()
    {
        Assert.Equal("", HostfileOf(Made(workers: 0)));
        Assert.Equal("pi-launcher.pi.default.svc slots=1\n", HostfileOf(Made(static s => s["runLauncherAsWorker"] = true, workers: 0)));
    }

    [Fact]
    public void Strictly_the_discovery_script_lists_running_workers_by_name_as_text()
    {
        var world = Made(static s => s["runLauncherAsWorker"] = true, Strict, workers: 12);
        Assert.Equal("#!/bin/sh\necho pi-launcher.pi.default.svc\n", Discovery(world));
        foreach (var index in (int[])[2, 10, 0]) world.Worker(index, p => world.Run(p));
        world.Settle();
        Assert.Equal(
            "#!/bin/sh\necho pi-launcher.pi.default.svc\necho pi-worker-0.pi.default.svc\necho pi-worker-10.pi.default.svc\necho pi-worker-2.pi.default.svc\n",
            Discovery(world));
    }

    [Theory]
    [InlineData("OpenMPI", false, "", 0, "")]
    [InlineData("OpenMPI", false, "", 1, "echo pi-worker-0.pi.default.svc\n")]
    [InlineData("OpenMPI", false, "cluster.local", 1, "echo pi-worker-0.pi.default.svc.cluster.local\n")]
    [InlineData("OpenMPI", true, "cluster.local", 1, "echo pi-launcher.pi.default.svc.cluster.local\necho pi-worker-0.pi.default.svc.cluster.local\n")]
    [InlineData("Intel", true, "", 0, "echo pi-launcher.pi.default.svc\n")]
    [InlineData("MPICH", true, "", 2, "echo pi-launcher.pi.default.svc\necho pi-worker-0.pi.default.svc\necho pi-worker-1.pi.default.svc\n")]
    public void Strictly_the_discovery_script_names_hosts_without_slots_whatever_the_MPI(string implementation, bool launcherToo, string domain, int running, string expected)
    {
        var world = Made(
            s =>
            {
                s["mpiImplementation"] = implementation;
                s["slotsPerWorker"] = 4;
                s["runLauncherAsWorker"] = launcherToo;
            },
            Strict with { ClusterDomain = domain });
        world.RunWorkers(running);
        world.Settle();
        Assert.Equal($"#!/bin/sh\n{expected}", Discovery(world));
    }

    [Theory]
    // container user, pod user, path -> is it 0600
    [InlineData(null, null, "/root/.ssh", true)]
    [InlineData(null, null, "/home/user/.ssh", false)]
    [InlineData(1000L, null, "/root/.ssh", false)]
    [InlineData(0L, null, "/home/user/.ssh", true)]
    [InlineData(null, 1000L, "/root/.ssh", false)]
    [InlineData(0L, 1000L, "/home/user/.ssh", true)]
    [InlineData(1000L, 0L, "/root/.ssh", false)]
    public void The_key_files_mode_suits_the_user_that_will_read_them(long? container, long? pod, string path, bool ownerOnly)
    {
        void Users(JsonObject s)
        {
            s["sshAuthMountPath"] = path;
            if (container is not null) s.Container("Worker")["securityContext"] = new JsonObject { ["runAsUser"] = container };
            if (pod is not null) s.PodSpec("Worker")["securityContext"] = new JsonObject { ["runAsUser"] = pod };
        }

        Assert.Equal(ownerOnly ? "384" : null, Made(Users).Find(Kinds.Pod, "pi-worker-0")!["spec"]!["volumes"]![0]!["secret"]!["defaultMode"]?.ToString());
        Assert.Equal(path == "/root/.ssh" ? "384" : null, Made(Users, Strict).Find(Kinds.Pod, "pi-worker-0")!["spec"]!["volumes"]![0]!["secret"]!["defaultMode"]?.ToString());
    }

    [Fact]
    public void Users_labels_annotations_limits_and_unknown_fields_pass_through_and_our_labels_win()
    {
        var world = Made(static s =>
        {
            ((JsonObject)s["mpiReplicaSpecs"]!["Worker"]!["template"]!)["metadata"] = new JsonObject
            {
                ["labels"] = new JsonObject { ["team"] = "x", ["training.kubeflow.org/job-name"] = "lie" },
                ["annotations"] = new JsonObject { ["note"] = "y" },
                ["name"] = "ignored",
            };
            s.Container("Worker")["resources"] = new JsonObject { ["limits"] = new JsonObject { ["nvidia.com/gpu"] = 1 } };
            s.PodSpec("Worker")["fieldOfTomorrow"] = new JsonObject { ["a"] = 1 };
        });
        var worker = world.Find(Kinds.Pod, "pi-worker-0")!;
        Assert.Equal(("x", "pi", "y", "pi-worker-0"), (
            FakeWorld.Text(worker, "metadata", "labels", "team"), FakeWorld.Text(worker, "metadata", "labels", "training.kubeflow.org/job-name"),
            FakeWorld.Text(worker, "metadata", "annotations", "note"), FakeWorld.Text(worker, "metadata", "name")));
        Assert.Equal("""{"limits":{"nvidia.com/gpu":1}}""", worker["spec"]!["containers"]![0]!["resources"]!.ToJsonString());
        Assert.Equal("""{"a":1}""", worker["spec"]!["fieldOfTomorrow"]!.ToJsonString());
    }

    [Fact]
    public void A_worker_with_a_command_or_arguments_of_its_own_keeps_them()
    {
        Assert.Null(Made(static s => s.Container("Worker")["args"] = new JsonArray("x")).Find(Kinds.Pod, "pi-worker-0")!["spec"]!["containers"]![0]!["command"]);
        Assert.Equal("/entry", Made(static s => s.Container("Worker")["command"] = new JsonArray("/entry")).Find(Kinds.Pod, "pi-worker-0")!["spec"]!["containers"]![0]!["command"]![0]!.ToString());
    }

    [Fact]
    public void On_the_nodes_network_names_resolve_through_the_clusters_dns()
    {
        var world = Made(static s =>
        {
            s.PodSpec("Worker")["hostNetwork"] = true;
            s.PodSpec("Launcher")["hostNetwork"] = true;
            s.PodSpec("Worker")["dnsConfig"] = new JsonObject { ["searches"] = new JsonArray("mine") };
        });
        Assert.Equal("ClusterFirstWithHostNet", world.Find(Kinds.Pod, "pi-worker-0")!["spec"]!["dnsPolicy"]!.ToString());
        Assert.Equal("ClusterFirstWithHostNet", world.Launcher!["spec"]!["template"]!["spec"]!["dnsPolicy"]!.ToString());
        Assert.Equal("""["mine","pi.default.svc.cluster.local"]""", world.Find(Kinds.Pod, "pi-worker-0")!["spec"]!["dnsConfig"]!["searches"]!.ToJsonString());
    }

    [Fact]
    public void The_search_domain_of_workers_is_the_clusters()
    {
        var options = new PlanningOptions { ClusterDomain = "corp.example" };
        Assert.Equal("pi.default.svc.corp.example", Made(options: options).Find(Kinds.Pod, "pi-worker-0")!["spec"]!["dnsConfig"]!["searches"]![0]!.ToString());
        Assert.Equal("pi.default.svc.cluster.local", Made(options: options with { Strict = true }).Find(Kinds.Pod, "pi-worker-0")!["spec"]!["dnsConfig"]!["searches"]![0]!.ToString());
    }

    [Fact]
    public void The_last_words_of_containers_reach_their_status_unless_the_user_chose_otherwise()
    {
        var world = Made(static s => s.Container("Worker")["terminationMessagePolicy"] = "File");
        Assert.Equal("FallbackToLogsOnError", world.Launcher!["spec"]!["template"]!["spec"]!["containers"]![0]!["terminationMessagePolicy"]!.ToString());
        Assert.Equal("File", world.Find(Kinds.Pod, "pi-worker-0")!["spec"]!["containers"]![0]!["terminationMessagePolicy"]!.ToString());
    }

    [Fact]
    public void A_host_name_that_open_MPI_4_crashes_on_is_warned_of()
    {
        static FakeWorld In(string ns)
        {
            var job = Jobs.Pi();
            job["metadata"]!["namespace"] = ns;
            var world = new FakeWorld(job);
            world.Pass();
            return world;
        }

        // "pi-worker-1.pi.<ns>.svc" is 19 characters without the namespace.
        Assert.DoesNotContain(In(new string('n', 37)).Events, static e => e.Reason == "HostNameTooLong");
        Assert.Contains(In(new string('n', 38)).Events, static e => e.Reason == "HostNameTooLong");
    }

    [Fact]
    public void The_gate_is_the_launchers_last_init_containers_with_its_image_environment_mounts_and_user()
    {
        var world = Made(static s =>
        {
            s["sshAuthMountPath"] = "/home/user/.ssh";
            s.PodSpec("Launcher")["initContainers"] = new JsonArray(new JsonObject { ["name"] = "mine", ["image"] = "i" });
            s.Container("Launcher")["securityContext"] = new JsonObject { ["runAsUser"] = 1000 };
            s.Container("Launcher")["envFrom"] = new JsonArray(new JsonObject { ["configMapRef"] = new JsonObject { ["name"] = "e" } });
            s.Container("Launcher")["resources"] = new JsonObject
            {
                ["limits"] = new JsonObject { ["cpu"] = "500m", ["memory"] = "500Mi", ["nvidia.com/gpu"] = 1, ["hugepages-2Mi"] = "4Mi" },
                ["requests"] = new JsonObject { ["rdma/hca"] = 1 },
            };
        }, new PlanningOptions { Gate = new GateOptions { AgentImage = "agent:1", PullPolicy = "Never", Timeout = TimeSpan.FromSeconds(90) } });
        var pod = world.Launcher!["spec"]!["template"]!["spec"]!;
        Assert.Equal(["mine", "kubempi-deliver", "kubempi-gate"], pod["initContainers"]!.AsArray().Select(static c => c!["name"]!.ToString()));
        Same(
            """
            {"name":"kubempi-deliver","image":"agent:1","imagePullPolicy":"Never","command":["/kubempi-agent","deliver","/kubempi"],
            "resources":{"limits":{"cpu":"500m","memory":"500Mi","hugepages-2Mi":"4Mi"}},
            "volumeMounts":[{"name":"kubempi-agent","mountPath":"/kubempi"}],
            "securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,"seccompProfile":{"type":"RuntimeDefault"},"runAsNonRoot":true}}
            """,
            pod["initContainers"]![1]!);
        var gate = pod["initContainers"]![2]!;
        Assert.Equal("""["/kubempi/kubempi-agent","gate","--transport","ssh","--hostfile","/etc/mpi/hostfile","--notice","/etc/mpi/discover_hosts.sh","--timeout","90s"]""", gate["command"]!.ToJsonString());
        Assert.Equal("mpioperator/mpi-pi", gate["image"]!.ToString());
        Assert.Equal(pod["containers"]![0]!["env"]!.ToJsonString(), gate["env"]!.ToJsonString());
        Assert.Equal("""[{"configMapRef":{"name":"e"}}]""", gate["envFrom"]!.ToJsonString());
        Assert.Equal(["ssh-auth", "mpi-job-config", "kubempi-agent"], gate["volumeMounts"]!.AsArray().Select(static m => m!["name"]!.ToString()));
        Assert.Equal(("1000", "true"), (gate["securityContext"]!["runAsUser"]!.ToJsonString(), gate["securityContext"]!["runAsNonRoot"]!.ToJsonString()));
    }

    [Fact]
    public void The_gate_never_waits_for_the_launcher_itself()
    {
        var world = Made(static s => s["runLauncherAsWorker"] = true);
        Assert.Contains("\"--skip\",\"pi-launcher.pi.default.svc\"", Gate(world)!["command"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, false)]
    [InlineData(0L, null, false)]
    [InlineData(null, 0L, false)]
    [InlineData(1000L, 0L, true)]
    public void Where_the_launcher_is_or_may_be_root_its_gate_may_be_too(long? container, long? pod, bool nonRoot)
    {
        var world = Made(s =>
        {
            if (container is not null) s.Container("Launcher")["securityContext"] = new JsonObject { ["runAsUser"] = container };
            if (pod is not null) s.PodSpec("Launcher")["securityContext"] = new JsonObject { ["runAsUser"] = pod };
        });
        Assert.Equal(nonRoot, Gate(world)!["securityContext"]!["runAsNonRoot"]?.GetValue<bool>() ?? false);
    }

    [Theory]
    [InlineData("strict", false)]
    [InlineData("annotation", false)]
    [InlineData("sleep", false)]
    [InlineData("sleep in a shell", false)]
    [InlineData("mesh", false)]
    [InlineData("a script", true)]
    [InlineData("sshd in a shell", true)]
    [InlineData("arguments only", true)]
    public void The_gate_is_left_out_where_it_cannot_work_and_only_there(string what, bool gated)
    {
        var job = Jobs.Pi(2, s =>
        {
            var worker = s.Container("Worker");
            switch (what)
            {
                case "sleep": worker["command"] = new JsonArray("/bin/sleep", "infinity"); break;
                case "sleep in a shell": worker["command"] = new JsonArray("bash", "-c", "echo up; sleep 365d"); break;
                case "a script": worker["command"] = new JsonArray("sh", "-c", "/start.sh && sleep infinity"); break;
                case "sshd in a shell": worker["command"] = new JsonArray("sh", "-c", "/usr/sbin/sshd; sleep infinity"); break;
                case "arguments only": worker["args"] = new JsonArray("sleep"); break;
                case "mesh": ((JsonObject)s["mpiReplicaSpecs"]!["Launcher"]!["template"]!)["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["sidecar.istio.io/inject"] = "true" } }; break;
            }
        });
        if (what == "annotation") job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/gate"] = "false" };
        var world = new FakeWorld(job) { Options = new PlanningOptions { Strict = what == "strict" } };
        world.Settle();
        Assert.Equal(gated, Gate(world) is not null);
        Assert.Equal(what is "sleep" or "sleep in a shell" or "mesh", world.Events.Any(static e => e.Reason == "GateSkipped"));
    }

    [Fact]
    public void The_operator_can_make_each_retry_a_fresh_pod()
    {
        var world = Made(options: new PlanningOptions { LauncherRestartPolicy = "Never" });
        Assert.Equal("Never", world.Launcher!["spec"]!["template"]!["spec"]!["restartPolicy"]!.ToString());
    }

    private static FakeWorld Made(Action<JsonObject>? spec = null, PlanningOptions? options = null, int workers = 2)
    {
        var world = new FakeWorld(Jobs.Pi(workers, spec)) { Options = options ?? new PlanningOptions() };
        world.Settle();
        return world;
    }

    private static JsonNode? Gate(FakeWorld world) =>
        world.Launcher!["spec"]!["template"]!["spec"]!["initContainers"]?.AsArray().FirstOrDefault(static c => c!["name"]!.ToString() == "kubempi-gate");

    private static IEnumerable<KeyValuePair<string, string>> LauncherEnv(FakeWorld world) =>
        world.Launcher!["spec"]!["template"]!["spec"]!["containers"]![0]!["env"]!.AsArray().Select(static e => KeyValuePair.Create(e!["name"]!.ToString(), e["value"]!.ToString()));

    private static string HostfileOf(FakeWorld world) => world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["hostfile"]!.ToString();

    private static string Discovery(FakeWorld world) => world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["discover_hosts.sh"]!.ToString();

    /// <summary>An object as it was sent, without what the server added.</summary>
    private static JsonObject Bare(JsonObject tree)
    {
        var bare = (JsonObject)tree.DeepClone();
        foreach (var given in (string[])["uid", "resourceVersion", "creationTimestamp"]) ((JsonObject)bare["metadata"]!).Remove(given);
        bare.Remove("status");
        return bare;
    }

    private static void Same(string expected, JsonNode actual) =>
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), JsonElement.Parse(actual.ToUtf8())), $"expected {expected}\nfound {actual.ToJsonString()}");
}
