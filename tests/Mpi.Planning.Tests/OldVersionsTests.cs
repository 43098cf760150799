using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Planning.Tests;

/// <summary>
/// Jobs that were written in kubeflow's old versions: stored as v2beta1, they are given what their version promised (spec/kubeflow-mpijob.md 5-7). The
/// counterparts of the old operators' own tests (appendix A.4) are among these.
/// </summary>
public sealed class OldVersionsTests
{
    private const string Hub = "kubeflow.org/v2beta1";

    [Fact]
    public void A_v1_job_gets_its_objects_by_their_old_names_before_its_workers_and_its_launcher()
    {
        var world = Settled(V1());

        Assert.Equal(
            ["create ConfigMap pi-config", "create Role pi-launcher", "create RoleBinding pi-launcher", "create ServiceAccount pi-launcher", "create Pod pi-worker-0", "create Pod pi-worker-1", "create Job pi-launcher"],
            world.Writes.Where(static w => w.StartsWith("create", StringComparison.Ordinal) && !w.Contains("Service pi", StringComparison.Ordinal) && !w.Contains("Secret", StringComparison.Ordinal)));
        Assert.Equal("pi-launcher", FakeWorld.Text(world.Launcher!, "spec", "template", "spec", "serviceAccountName"));
        // Over the agent the account may do nothing at all.
        Assert.Equal("[]", world.Find(Kinds.Role, "pi-launcher")!["rules"]!.ToJsonString());
        Assert.Equal("pi", FakeWorld.Text(world.Find(Kinds.ConfigMap, "pi-config")!, "metadata", "labels", "app"));
        Assert.Equal("agent", world.Status["transport"]!["name"]!.ToString());
        Assert.Equal("the default of kubeflow.org/v1", world.Status["transport"]!["reason"]!.ToString());
    }

    [Theory]
    [InlineData("v1", "group-name=kubeflow.org", "mpi-job-name=pi", "mpi-job-role=")]
    [InlineData("v1alpha2", "group_name=kubeflow.org", "mpi_job_name=pi", "mpi_role_type=")]
    [InlineData("v1alpha1", "group_name=kubeflow.org", "mpi_job_name=pi", "mpi_role_type=")]
    public void Pods_have_the_labels_that_scripts_of_their_version_select_by_and_those_of_v2beta1(string version, string group, string job, string role)
    {
        var world = Settled(Job(version));
        var worker = version == "v1" ? (JsonObject)world.Workers.First()["metadata"]!["labels"]! : (JsonObject)world.WorkerSet!["spec"]!["template"]!["metadata"]!["labels"]!;
        var launcher = (JsonObject)world.Launcher!["spec"]!["template"]!["metadata"]!["labels"]!;

        AssertLabels(launcher, group, job, role + "launcher", "training.kubeflow.org/job-role=launcher", "training.kubeflow.org/operator-name=mpi-operator");
        AssertLabels(worker, group, job, role + "worker", "training.kubeflow.org/job-role=worker");
        if (version == "v1") AssertLabels((JsonObject)world.Workers.Last()["metadata"]!["labels"]!, "replica-index=1", "training.kubeflow.org/replica-type=worker");
        else AssertLabels((JsonObject)world.WorkerSet!["metadata"]!["labels"]!, group, job, role + "worker", "app=pi");
        if (version != "v1") AssertLabels((JsonObject)world.Launcher!["metadata"]!["labels"]!, group, job, role + "launcher");
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha2")]
    [InlineData("v1alpha1")]
    public void Etc_mpi_is_where_it_was_and_kubexec_leads_to_the_agent(string version)
    {
        var world = Settled(Job(version));
        var files = (JsonObject)world.Find(Kinds.ConfigMap, "pi-config")!["data"]!;
        var launcher = (JsonObject)world.Launcher!["spec"]!["template"]!["spec"]!["containers"]![0]!;
        var worker = (JsonObject)(version == "v1" ? world.Workers.First()["spec"]! : world.WorkerSet!["spec"]!["template"]!["spec"]!)["containers"]![0]!;

        Assert.Equal("pi-worker-0 slots=2\npi-worker-1 slots=2\n", files["hostfile"]!.ToString());
        Assert.Equal("#!/kubempi/kubempi-agent remote-shell\n", files["kubexec.sh"]!.ToString());
        Assert.StartsWith("#!/bin/sh\necho pi-worker-0:2\necho pi-worker-1:2\n", files["discover_hosts.sh"]!.ToString(), StringComparison.Ordinal);
        Assert.Contains("/etc/mpi", Mounts(launcher));
        Assert.Contains("/etc/mpi", Mounts(worker));
        Assert.Equal("/etc/mpi/kubexec.sh", Env(launcher, "OMPI_MCA_plm_rsh_agent"));
        Assert.Equal("/etc/mpi/hostfile", Env(launcher, "OMPI_MCA_orte_default_hostfile"));
        Assert.Equal("/etc/mpi/kubexec.sh", Env(launcher, "PRTE_MCA_plm_ssh_agent"));
        Assert.Equal("/kubempi", Env(launcher, "KUBEMPI_AGENT_DIRECTORY"));
        // Bare names resolve where MPI asks for them.
        Assert.Equal("pi.default.svc.cluster.local", world.Launcher!["spec"]!["template"]!["spec"]!["dnsConfig"]!["searches"]![0]!.ToString());
        Assert.Equal(version == "v1alpha1" ? null : "", Env(launcher, "NVIDIA_VISIBLE_DEVICES"));
        Assert.Equal("/kubempi/kubempi-agent", worker["command"]![0]!.ToString());
    }

    [Theory]
    [InlineData("IntelMPI", "I_MPI_HYDRA_BOOTSTRAP_EXEC", "I_MPI_HYDRA_HOST_FILE")]
    [InlineData("MPICH", "HYDRA_LAUNCHER_EXEC", "HYDRA_HOST_FILE")]
    public void Each_MPI_of_v1alpha2_has_its_own_variables_and_host_lines(string distribution, string agent, string hostfile)
    {
        var world = Settled(With(Alpha2(), spec => spec["mpiDistribution"] = distribution));
        var launcher = (JsonObject)world.Launcher!["spec"]!["template"]!["spec"]!["containers"]![0]!;

        Assert.Equal("pi-worker-0:2\npi-worker-1:2\n", world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["hostfile"]!.ToString());
        Assert.Equal("/etc/mpi/kubexec.sh", Env(launcher, agent));
        Assert.Equal("/etc/mpi/hostfile", Env(launcher, hostfile));
    }

    [Fact]
    public void A_worker_with_a_command_of_its_own_is_reached_through_the_API_in_its_main_container()
    {
        var job = V1();
        job["spec"]!["mainContainer"] = "second";
        var containers = (JsonArray)job["spec"]!["mpiReplicaSpecs"]!["Worker"]!["template"]!["spec"]!["containers"]!;
        containers[0]!["command"] = new JsonArray("sleep", "infinity");
        containers.Add((JsonNode)new JsonObject { ["name"] = "second", ["image"] = "i" });
        var world = Settled(job);

        Assert.Equal("exec", world.Status["transport"]!["name"]!.ToString());
        Assert.Equal("#!/kubempi/kubempi-agent exec-shell\n", world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["kubexec.sh"]!.ToString());
        Assert.Equal("second", Env((JsonObject)world.Launcher!["spec"]!["template"]!["spec"]!["containers"]![0]!, "KUBEMPI_EXEC_CONTAINER"));
        Assert.Equal("sleep", world.Workers.First()["spec"]!["containers"]![0]!["command"]![0]!.ToString());
        Assert.Equal("""["pi-worker-0","pi-worker-1"]""", world.Find(Kinds.Role, "pi-launcher")!["rules"]![0]!["resourceNames"]!.ToJsonString());
    }

    [Fact]
    public void The_arguments_of_a_worker_without_a_command_were_never_used()
    {
        var job = V1();
        job["spec"]!["mpiReplicaSpecs"]!["Worker"]!["template"]!["spec"]!["containers"]![0]!["args"] = new JsonArray("x");

        Assert.Null(Settled(job).Workers.First()["spec"]!["containers"]![0]!["args"]);
    }

    [Theory]
    [InlineData("v1", "Never", null, "0")]
    [InlineData("v1", "OnFailure", null, null)]
    [InlineData("v1", "Never", 3, "3")]
    public void The_launcher_of_v1_had_no_retries_but_its_kubelets(string version, string policy, int? limit, string? expected)
    {
        var job = Job(version);
        job["spec"]!["mpiReplicaSpecs"]!["Launcher"]!["restartPolicy"] = policy;
        if (limit is { } given) job["spec"]!["runPolicy"] = new JsonObject { ["backoffLimit"] = given };

        Assert.Equal(expected, Settled(job).Launcher!["spec"]!["backoffLimit"]?.ToString());
    }

    [Fact]
    public void A_v1_launcher_with_GPUs_runs_ranks_first_in_the_list_and_sees_them()
    {
        var job = V1();
        job["spec"]!["mpiReplicaSpecs"]!["Launcher"]!["template"]!["spec"]!["containers"]![0]!["resources"] = new JsonObject { ["limits"] = new JsonObject { ["nvidia.com/gpu"] = 1 } };
        var world = Settled(job);

        Assert.Equal("pi-launcher slots=2\npi-worker-0 slots=2\npi-worker-1 slots=2\n", world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["hostfile"]!.ToString());
        Assert.Null(Env((JsonObject)world.Launcher!["spec"]!["template"]!["spec"]!["containers"]![0]!, "NVIDIA_VISIBLE_DEVICES"));
    }

    [Fact]
    public void The_workers_of_v1alpha1_have_their_share_and_the_launcher_has_nothing()
    {
        var world = Begun(Alpha1("gpus: 16"));
        var worker = (JsonObject)world.WorkerSet!["spec"]!["template"]!["spec"]!["containers"]![0]!;

        Assert.Equal("2", world.WorkerSet!["spec"]!["replicas"]!.ToString());
        Assert.Equal("8", worker["resources"]!["limits"]!["nvidia.com/gpu"]!.ToString());
        Assert.Equal("pi-worker-0 slots=8\npi-worker-1 slots=8\n", world.Find(Kinds.ConfigMap, "pi-config")!["data"]!["hostfile"]!.ToString());
        // Ready first: that is when the old operator made the launcher.
        Assert.Null(world.Launcher);
    }

    [Fact]
    public void A_sum_that_does_not_come_out_makes_nothing_and_names_the_field_and_both_numbers()
    {
        var world = Settled(Alpha1("gpus: 12"));

        Assert.DoesNotContain(world.Writes, static w => w.StartsWith("create", StringComparison.Ordinal));
        Assert.Contains("spec.gpus: Invalid value: 12: specified #GPUs is not a multiple of GPUs per node (8)", FakeWorld.Text(world.Condition("Invalid")!, "message"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_field_of_the_wrong_type_is_named_as_it_was_written()
    {
        var world = Settled(With(Alpha2(), static spec => spec["cleanPodPolicy"] = "Sometimes", static spec => spec["backoffLimit"] = "3"));

        var message = FakeWorld.Text(world.Condition("Invalid")!, "message");
        Assert.Contains("spec.cleanPodPolicy: Unsupported value: \"Sometimes\"", message, StringComparison.Ordinal);
        Assert.Contains("spec.backoffLimit: Invalid value: \"3\": must be an integer", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_old_versions_are_not_served_pods_take_the_place_of_the_StatefulSet()
    {
        var world = new FakeWorld(Stored(Alpha2()), new KubeflowV2Beta1Dialect());
        world.Settle();

        Assert.Null(world.WorkerSet);
        Assert.Equal(2, world.Workers.Count());
    }

    [Fact]
    public void A_v1alpha2_job_says_that_it_restarts_while_its_launcher_is_tried_again()
    {
        var world = Settled(V1());
        world.RunWorkers();
        Fail(world);
        Assert.Null(world.Condition("Restarting"));

        world = new FakeWorld(Stored(Alpha2()), new KubeflowV2Beta1Dialect());
        world.Settle();
        world.RunWorkers();
        Fail(world);
        Assert.Equal("MPIJobRestarting", FakeWorld.Text(world.Condition("Restarting")!, "reason"));
        Assert.Equal("MPIJob default/pi is restarting.", FakeWorld.Text(world.Condition("Restarting")!, "message"));

        static void Fail(FakeWorld world)
        {
            world.Launcher!["status"] = new JsonObject { ["failed"] = 1 };
            world.Settle();
        }
    }

    /// <summary>All that is made before any pod runs.</summary>
    private static FakeWorld Begun(JsonObject job)
    {
        var world = new FakeWorld(Stored(job), new KubeflowV2Beta1Dialect(ConversionSettings.Default));
        world.Settle();
        return world;
    }

    /// <summary>And the launcher that waits for workers of a StatefulSet to be ready.</summary>
    private static FakeWorld Settled(JsonObject job)
    {
        var world = Begun(job);
        if (world.WorkerSet is null) return world;
        world.StartWorkerSetPods();
        world.RunWorkers();
        world.Settle();
        return world;
    }

    private static JsonObject Stored(JsonObject job) => KubeflowConversion.Convert(job, Hub, ConversionSettings.Default);

    private static JsonObject Job(string version) => version switch
    {
        "v1" => V1(),
        "v1alpha2" => Alpha2(),
        _ => Alpha1("{replicas: 2, slotsPerWorker: 2}"),
    };

    private static JsonObject V1() => Replicated("v1");

    private static JsonObject Alpha2() => Replicated("v1alpha2");

    private static JsonObject Replicated(string version) => Yaml.Read("""
        apiVersion: kubeflow.org/VERSION
        kind: MPIJob
        metadata: {name: pi, namespace: default, uid: job-uid, generation: 1}
        spec:
          slotsPerWorker: 2
          mpiReplicaSpecs:
            Launcher: {replicas: 1, template: {spec: {containers: [{name: launcher, image: i, command: [mpirun, pi]}]}}}
            Worker: {replicas: 2, template: {spec: {containers: [{name: worker, image: i}]}}}
        """.Replace("VERSION", version, StringComparison.Ordinal))[0].Root;

    private static JsonObject Alpha1(string size)
    {
        var job = Yaml.Read("""
            apiVersion: kubeflow.org/v1alpha1
            kind: MPIJob
            metadata: {name: pi, namespace: default, uid: job-uid, generation: 1}
            spec: {template: {spec: {containers: [{name: main, image: i, command: [mpirun, pi]}]}}}
            """)[0].Root;
        foreach (var (name, value) in Yaml.Read(size)[0].Root) job["spec"]![name] = value?.DeepClone();
        return job;
    }

    private static JsonObject With(JsonObject job, params ReadOnlySpan<Action<JsonObject>> edits)
    {
        foreach (var edit in edits) edit((JsonObject)job["spec"]!);
        return job;
    }

    private static void AssertLabels(JsonObject labels, params ReadOnlySpan<string> expected)
    {
        foreach (var label in expected)
        {
            var parts = label.Split('=');
            Assert.Equal(parts[1], labels[parts[0]]?.ToString());
        }
    }

    private static IEnumerable<string> Mounts(JsonObject container) => container["volumeMounts"]!.AsArray().Select(static m => m!["mountPath"]!.ToString());

    private static string? Env(JsonObject container, string name) => container["env"]!.AsArray().FirstOrDefault(e => e!["name"]!.ToString() == name)?["value"]?.ToString();
}
