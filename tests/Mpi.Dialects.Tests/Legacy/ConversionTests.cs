using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects.Tests;

/// <summary>What becomes of the fields of old versions (spec/kubeflow-mpijob.md 7.2, 8).</summary>
public sealed class ConversionTests
{
    private const string V1 = "kubeflow.org/v1", Alpha2 = "kubeflow.org/v1alpha2", Alpha1 = "kubeflow.org/v1alpha1", Hub = "kubeflow.org/v2beta1";

    [Theory]
    [InlineData("gpus: 1", 1, 1)]
    [InlineData("gpus: 4", 1, 4)]
    [InlineData("gpus: 8", 1, 8)]
    [InlineData("gpus: 16", 2, 8)]
    [InlineData("{gpus: 12, gpusPerNode: 4}", 3, 4)]
    [InlineData("{processingUnits: 6, processingUnitsPerNode: 3, processingResourceType: cpu}", 2, 3, "cpu")]
    [InlineData("{processingUnits: 16, processingResourceType: amd.com/gpu}", 2, 8)]
    [InlineData("replicas: 3", 3, 2)]
    [InlineData("{replicas: 3, processingResourceType: cpu}", 3, 0, "cpu")]
    [InlineData("{replicas: 3, slotsPerWorker: 7}", 3, 2, "nvidia.com/gpu", 7)]
    public void A_v1alpha1_job_has_the_workers_and_units_that_it_always_had(string size, int workers, int units, string resource = "nvidia.com/gpu", int? slots = null)
    {
        var spec = ToHub(Bench(size))["spec"]!;
        Assert.Equal(workers, (int)spec["mpiReplicaSpecs"]!["Worker"]!["replicas"]!);
        Assert.Equal(units, (int)Container(spec, "Worker")["resources"]!["limits"]![resource]!);
        Assert.Equal(slots ?? Math.Max(1, units), (int)spec["slotsPerWorker"]!);
    }

    [Fact]
    public void A_v1alpha1_job_is_split_into_a_launcher_without_resources_and_workers_without_a_command()
    {
        var spec = ToHub(Bench("{gpus: 16, launcherOnMaster: true, backoffLimit: 3}"))["spec"]!;
        var (launcher, worker) = (Container(spec, "Launcher"), Container(spec, "Worker"));
        Assert.Equal(["mpirun", "bench"], launcher["command"]!.AsArray().Select(static w => w!.ToString()));
        Assert.Null(launcher["resources"]!["limits"]);
        Assert.Null(launcher["resources"]!["requests"]);
        Assert.Null(worker["command"]);
        Assert.Null(worker["args"]);
        Assert.Equal("1", worker["resources"]!["requests"]!["cpu"]!.ToString());
        Assert.Equal("node-role.kubernetes.io/master", spec["mpiReplicaSpecs"]!["Launcher"]!["template"]!["spec"]!["tolerations"]![0]!["key"]!.ToString());
        Assert.Null(spec["mpiReplicaSpecs"]!["Worker"]!["template"]!["spec"]!["tolerations"]);
        Assert.Equal("WaitForWorkersReady", spec["launcherCreationPolicy"]!.ToString());
        Assert.Equal("All", spec["runPolicy"]!["cleanPodPolicy"]!.ToString());
        Assert.Equal(3, (int)spec["runPolicy"]!["backoffLimit"]!);
        Assert.Equal("OnFailure", spec["mpiReplicaSpecs"]!["Worker"]!["restartPolicy"]!.ToString());
    }

    [Theory]
    [InlineData("gpus: 12", "spec.gpus: Invalid value: 12: specified #GPUs is not a multiple of GPUs per node (8)")]
    [InlineData("{gpus: 7, gpusPerNode: 3}", "spec.gpus: Invalid value: 7: specified #GPUs is not a multiple of GPUs per node (3)")]
    [InlineData("processingUnits: 9", "spec.processingUnits: Invalid value: 9: specified #ProcessingUnits is not a multiple of ProcessingUnits per node (8)")]
    [InlineData("{gpus: 8, processingUnits: 8}", "spec.gpus: Invalid value: 8: Cannot specify both GPUs and ProcessingUnits at the same time")]
    [InlineData("{gpus: 8, gpusPerNode: 0}", "spec.gpusPerNode: Invalid value: 0: must be greater than or equal to 1")]
    [InlineData("gpus: 0", "spec.gpus: Invalid value: 0: must be greater than or equal to 1")]
    [InlineData("gpus: many", "spec.gpus: Invalid value: \"many\": must be an integer")]
    public void A_sum_that_does_not_come_out_leaves_the_job_without_workers_and_says_so(string size, string fault)
    {
        var job = Bench(size);
        Assert.Null(ToHub(job)["spec"]!["mpiReplicaSpecs"]!["Worker"]);
        Assert.Equal([fault], KubeflowVersions.Of(Alpha1)!.Faults(Read(job), ConversionSettings.Default).Select(static f => f.ToString()));
    }

    [Fact]
    public void The_settings_say_what_a_node_has()
    {
        var settings = new ConversionSettings { GpusPerNode = 4 };
        Assert.Equal(4, (int)KubeflowConversion.Convert(Bench("gpus: 16"), Hub, settings)["spec"]!["mpiReplicaSpecs"]!["Worker"]!["replicas"]!);
    }

    [Theory]
    [InlineData("null", "Never", "Never")]
    [InlineData("Always", "OnFailure", "OnFailure")]
    [InlineData("ExitCode", "Never", "Never")]
    [InlineData("OnFailure", "OnFailure", "OnFailure")]
    public void The_restart_policies_of_v1_become_the_nearest_that_there_are(string policy, string launcher, string worker)
    {
        var spec = ToHub(Replicated(V1, $"restartPolicy: {policy}"))["spec"]!;
        Assert.Equal(launcher, spec["mpiReplicaSpecs"]!["Launcher"]!["restartPolicy"]!.ToString());
        Assert.Equal(worker, spec["mpiReplicaSpecs"]!["Worker"]!["restartPolicy"]!.ToString());
    }

    [Theory]
    [InlineData("Never", "Never")]
    [InlineData("Always", "OnFailure")]
    [InlineData("null", "OnFailure")]
    public void The_workers_of_v1alpha2_were_always_restarted_whatever_the_launchers_policy(string policy, string launcher)
    {
        var spec = ToHub(Replicated(Alpha2, $"restartPolicy: {policy}"))["spec"]!;
        Assert.Equal(launcher, spec["mpiReplicaSpecs"]!["Launcher"]!["restartPolicy"]!.ToString());
        Assert.Equal("OnFailure", spec["mpiReplicaSpecs"]!["Worker"]!["restartPolicy"]!.ToString());
    }

    [Fact]
    public void Of_two_limits_in_v1alpha2_the_run_policys_counts_and_of_two_clean_ups_the_one_at_the_top()
    {
        var job = Replicated(Alpha2, "", "backoffLimit: 1", "activeDeadlineSeconds: 2", "cleanPodPolicy: Running", "runPolicy: {backoffLimit: 5, cleanPodPolicy: All}", "mpiDistribution: IntelMPI");
        var spec = ToHub(job)["spec"]!;
        Assert.Equal(5, (int)spec["runPolicy"]!["backoffLimit"]!);
        Assert.Equal(2, (int)spec["runPolicy"]!["activeDeadlineSeconds"]!);
        Assert.Equal("Running", spec["runPolicy"]!["cleanPodPolicy"]!.ToString());
        Assert.Equal("Intel", spec["mpiImplementation"]!.ToString());
        Assert.Equal("All", KubeflowConversion.Convert(job, Hub, new ConversionSettings { RunPolicyCleansUp = true })["spec"]!["runPolicy"]!["cleanPodPolicy"]!.ToString());
    }

    [Theory]
    [InlineData("nvidia.com/gpu", true)]
    [InlineData("aliyun.com/gpu-mem", true)]
    [InlineData("cpu", false)]
    public void A_v1_launcher_with_a_limit_of_gpus_runs_ranks(string resource, bool runsRanks)
    {
        var job = Replicated(V1, "");
        job["spec"]!["mpiReplicaSpecs"]!["Launcher"]!["template"]!["spec"]!["containers"]![0]!["resources"] = new JsonObject { ["limits"] = new JsonObject { [resource] = 1 } };
        Assert.Equal(runsRanks, (bool)ToHub(job)["spec"]!["runLauncherAsWorker"]!);
    }

    [Fact]
    public void What_the_training_operator_added_to_v1_means_here_what_it_meant_there()
    {
        var policy = ToHub(Replicated(V1, "", "runPolicy: {suspend: true, managedBy: kubeflow.org/training-operator, schedulingPolicy: {scheduleTimeoutSeconds: 9}}"))["spec"]!["runPolicy"]!;
        Assert.True((bool)policy["suspend"]!);
        Assert.Equal("kubeflow.org/mpi-operator", policy["managedBy"]!.ToString());
        Assert.Equal(9, (int)policy["schedulingPolicy"]!["scheduleTimeoutSeconds"]!);
    }

    [Theory]
    [InlineData("\"mpirun,-n,2\"", "mpirun|-n|2")]
    [InlineData("mpirun", "mpirun")]
    [InlineData("[mpirun, -n, 2]", "mpirun|-n|2")]
    public void A_command_that_was_written_as_text_becomes_words(string command, string words)
    {
        var job = Bench("replicas: 1");
        job["spec"]!["template"]!["spec"]!["containers"]![0]!["command"] = Manifests.Tree($"a: {command}")["a"]!.DeepClone();
        Assert.Equal(words.Split('|'), Container(ToHub(job)["spec"]!, "Launcher")["command"]!.AsArray().Select(static w => w!.ToString()));
    }

    [Fact]
    public void A_finished_v1alpha1_job_is_finished_in_every_version()
    {
        var job = Bench("gpus: 16");
        job["status"] = new JsonObject { ["launcherStatus"] = "Failed", ["workerReplicas"] = 0, ["startTime"] = "2019-01-01T00:00:00Z" };
        var recorded = new KubeflowV2Beta1Dialect().Status.Read(Read(ToHub(job)).At("status"));
        Assert.IsType<Mpi.Model.RunOutcome.Failed>(recorded.Outcome);
        Assert.True(recorded.Announced);

        job["status"] = new JsonObject { ["launcherStatus"] = "Succeeded", ["completionTime"] = "2019-01-01T00:09:00Z" };
        recorded = new KubeflowV2Beta1Dialect().Status.Read(Read(ToHub(job)).At("status"));
        Assert.IsType<Mpi.Model.RunOutcome.Succeeded>(recorded.Outcome);
        Assert.Equal(new DateTimeOffset(2019, 1, 1, 0, 9, 0, TimeSpan.Zero), recorded.CompletionTime);
    }

    [Fact]
    public void A_job_is_shown_in_v1alpha1_with_its_launchers_status_and_the_number_of_workers()
    {
        var hub = ToHub(Bench("gpus: 16"));
        hub["status"] = Manifests.Tree("""
            conditions: [{type: Created, status: "True"}]
            replicaStatuses: {Launcher: {active: 1}, Worker: {active: 2}}
            startTime: "2020-01-01T00:00:00Z"
            """);
        var status = KubeflowConversion.Convert(hub, Alpha1, ConversionSettings.Default)["status"]!;
        Assert.Equal("Active", status["launcherStatus"]!.ToString());
        Assert.Equal("2", status["workerReplicas"]!.ToString());
        Assert.Equal("2020-01-01T00:00:00Z", status["startTime"]!.ToString());
    }

    [Fact]
    public void A_suspended_job_shows_it_in_v1alpha1()
    {
        var hub = ToHub(Bench("replicas: 2"));
        hub["spec"]!["runPolicy"]!["suspend"] = true;
        var old = KubeflowConversion.Convert(hub, Alpha1, ConversionSettings.Default);
        Assert.True((bool)old["spec"]!["suspend"]!);
        old["spec"]!["suspend"] = false;
        Assert.False((bool)ToHub(old)["spec"]!["runPolicy"]!["suspend"]!);
    }

    [Fact]
    public void A_stored_job_knows_its_origin_and_a_native_one_stays_native()
    {
        var hub = ToHub(Replicated(Alpha2, ""));
        Assert.Equal("v1alpha2", hub["metadata"]!["annotations"]![KubeMpiAnnotations.Origin]!.ToString());
        Assert.Null(KubeflowConversion.Convert(hub, Alpha2, ConversionSettings.Default)["metadata"]!["annotations"]);
        Assert.Equal("v1alpha2", KubeflowConversion.Convert(hub, V1, ConversionSettings.Default)["metadata"]!["annotations"]![KubeMpiAnnotations.Origin]!.ToString());

        var native = Manifests.Tree();
        var shown = KubeflowConversion.Convert(native, V1, ConversionSettings.Default);
        Assert.Equal("v2beta1", shown["metadata"]!["annotations"]![KubeMpiAnnotations.Origin]!.ToString());
        var back = KubeflowConversion.Convert(shown, Hub, ConversionSettings.Default);
        Assert.Null(back["metadata"]!["annotations"]);
    }

    [Fact]
    public void A_worker_count_that_was_edited_as_stored_shows_in_v1alpha1_and_takes_the_gpus_place()
    {
        var hub = ToHub(Bench("{gpus: 16, launcherOnMaster: true, unknown: x}"));
        hub["spec"]!["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 5;
        var spec = KubeflowConversion.Convert(hub, Alpha1, ConversionSettings.Default)["spec"]!;
        Assert.Equal(5, (int)spec["replicas"]!);
        Assert.Null(spec["gpus"]);
        Assert.True((bool)spec["launcherOnMaster"]!);
        Assert.Equal("x", spec["unknown"]!.ToString());
    }

    [Fact]
    public void A_template_of_200_KiB_takes_no_place_in_annotations()
    {
        foreach (var job in (JsonObject[])[Bench("gpus: 16"), Replicated(V1, "")])
        {
            var template = job["spec"]!["template"] ?? job["spec"]!["mpiReplicaSpecs"]!["Worker"]!["template"]!;
            template["spec"]!["containers"]![0]!["env"] = new JsonArray(new JsonObject { ["name"] = "BIG", ["value"] = new string('x', 200 * 1024) });
            Assert.InRange(ToHub(job)["metadata"]!["annotations"]!.ToJsonString().Length, 0, 4096);
        }
    }

    [Fact]
    public void What_is_too_much_for_an_annotation_is_lost_and_named()
    {
        var job = Replicated(V1, "", "mainContainer: main");
        job["spec"]!["notes"] = new string('x', 300 * 1024);
        var hub = ToHub(job);
        var annotations = hub["metadata"]!["annotations"]!;
        Assert.StartsWith("v1: spec.notes (307", annotations[KubeMpiAnnotations.Lost]!.ToString(), StringComparison.Ordinal);
        Assert.InRange(annotations.ToJsonString().Length, 0, 4096);
        var back = KubeflowConversion.Convert(hub, V1, ConversionSettings.Default);
        Assert.Null(back["spec"]!["notes"]);
        Assert.Equal("main", back["spec"]!["mainContainer"]!.ToString());
    }

    [Theory]
    [InlineData("""{"apiVersion":"kubeflow.org/v1","kind":"MPIJob","spec":{"mainContainer":"\ud800"}}""")]
    [InlineData("""{"apiVersion":"kubeflow.org/v1","kind":"MPIJob","spec":{"\ud800":1}}""")]
    public void Text_that_is_no_Unicode_stays_what_it_is(string job) =>
        Assert.Equal(Hub, KubeflowConversion.Convert((JsonObject)JsonNode.Parse(job)!, Hub, ConversionSettings.Default)["apiVersion"]!.ToString());

    [Theory]
    [InlineData("kubeflow.org/v1", "kubeflow.org/v3")]
    [InlineData("batch/v1", "kubeflow.org/v1")]
    public void What_is_no_version_of_MPIJob_is_refused(string from, string to) =>
        Assert.Throws<ArgumentException>(() => KubeflowConversion.Convert(new JsonObject { ["apiVersion"] = from }, to, ConversionSettings.Default));

    private static JsonObject ToHub(JsonObject job) => KubeflowConversion.Convert(job, Hub, ConversionSettings.Default);

    private static JsonElement Read(JsonObject job) => JsonElement.Parse(job.ToUtf8());

    private static JsonNode Container(JsonNode spec, string role) => spec["mpiReplicaSpecs"]![role]!["template"]!["spec"]!["containers"]![0]!;

    private static JsonObject Bench(string size)
    {
        var job = Manifests.Tree("""
            apiVersion: kubeflow.org/v1alpha1
            kind: MPIJob
            metadata: {name: bench-16, namespace: default}
            spec:
              template:
                spec:
                  containers:
                  - name: bench
                    image: mpioperator/tensorflow-benchmarks:latest
                    command: [mpirun, bench]
                    args: [--model=resnet101]
                    resources: {limits: {nvidia.com/gpu: 2}, requests: {cpu: "1"}}
            """);
        foreach (var (name, value) in Manifests.Tree(size)) job["spec"]![name] = value?.DeepClone();
        return job;
    }

    private static JsonObject Replicated(string apiVersion, string role, params string[] spec)
    {
        var job = Manifests.Tree("""
            kind: MPIJob
            metadata: {name: pi, namespace: default}
            spec:
              mpiReplicaSpecs:
                Launcher: {replicas: 1, template: {spec: {containers: [{name: l, image: i, command: [mpirun]}]}}}
                Worker: {replicas: 2, template: {spec: {containers: [{name: w, image: i}]}}}
            """);
        job["apiVersion"] = apiVersion;
        foreach (var (_, one) in job["spec"]!["mpiReplicaSpecs"]!.AsObject())
        {
            foreach (var (name, value) in role.Length > 0 ? Manifests.Tree(role) : []) one![name] = value?.DeepClone();
        }

        foreach (var (name, value) in spec.SelectMany(static s => Manifests.Tree(s))) job["spec"]![name] = value?.DeepClone();
        return job;
    }
}
