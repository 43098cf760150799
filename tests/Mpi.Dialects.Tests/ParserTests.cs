using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

public sealed class ParserTests
{
    [Fact]
    public void Kubeflows_pi_example_reads_as_it_is_meant()
    {
        var run = Manifests.Parse(Manifests.Pi).Run();
        Assert.Equal((2, 1, "OnFailure"), (run.Workers.Count, run.Workers.Slots, run.Workers.RestartPolicy));
        Assert.Equal(("OnFailure", false, LauncherCreation.AtStartup), (run.Launcher.RestartPolicy, run.Launcher.RunsRanks, run.Launcher.Creation));
        Assert.Equal((MpiImplementation.OpenMpi, Transport.Ssh, true), (run.Mpi, run.Transport.Kind, run.Gated));
        Assert.Equal((CleanPodPolicy.Running, 60, false), (run.Cleanup, run.TtlSecondsAfterFinished, run.Suspended));
        Assert.Equal("/home/mpiuser/.ssh", run.SshAuthMountPath);
        Assert.Equal("pi", run.Meta.Name);
    }

    [Fact]
    public void What_is_left_out_gets_kubeflows_defaults()
    {
        var run = Manifests.Parse(
            """
            apiVersion: kubeflow.org/v2beta1
            kind: MPIJob
            metadata: {name: pi}
            spec:
              mpiReplicaSpecs:
                Launcher: {template: {spec: {containers: [{name: l, image: i}]}}}
                Worker: {replicas: 3, template: {spec: {containers: [{name: w, image: i}]}}}
            """).Run();
        Assert.Equal((3, 1, "Never"), (run.Workers.Count, run.Workers.Slots, run.Workers.RestartPolicy));
        Assert.Equal("OnFailure", run.Launcher.RestartPolicy);
        Assert.Equal(CleanPodPolicy.None, run.Cleanup);
        Assert.Equal("/root/.ssh", run.SshAuthMountPath);
        Assert.Equal(new RetryPolicy(null, null), run.Retry);
        Assert.Null(run.TtlSecondsAfterFinished);
        Assert.Null(run.Gang);
    }

    [Theory]
    [InlineData("Intel", MpiImplementation.Intel)]
    [InlineData("MPICH", MpiImplementation.Mpich)]
    [InlineData("", MpiImplementation.OpenMpi)]
    public void Every_implementation_is_known(string name, MpiImplementation expected) =>
        Assert.Equal(expected, Manifests.With("spec/mpiImplementation", $"\"{name}\"").Run().Mpi);

    [Theory]
    [InlineData("ssh", Transport.Ssh)]
    [InlineData("agent", Transport.Agent)]
    [InlineData("exec", Transport.Exec)]
    public void A_job_chooses_its_transport_and_the_choice_says_so(string value, Transport expected)
    {
        var job = Manifests.Tree();
        Worker(job).Remove("command");
        Worker(job).Remove("args");
        job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/transport"] = value };

        Assert.Equal(new TransportChoice(expected, "annotation kubempi.dev/transport"), Manifests.Parse(job).Run().Transport);
    }

    [Theory]
    [InlineData("command", "[\"sh\",\"-c\",\"module load x; exec /kubempi/kubempi-agent worker\"]", null)]
    [InlineData("command", "[\"sleep\",\"infinity\"]", "spec.mpiReplicaSpecs[Worker].template.spec.containers[0].command")]
    [InlineData("args", "[\"-De\"]", "spec.mpiReplicaSpecs[Worker].template.spec.containers[0].args")]
    public void Over_the_agent_a_worker_runs_the_agent_and_nothing_else(string field, string words, string? refusedAt)
    {
        var job = Manifests.Tree();
        Worker(job).Remove("command");
        Worker(job).Remove("args");
        Worker(job)[field] = JsonNode.Parse(words);
        job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/transport"] = "agent" };

        var errors = Manifests.Parse(job) is ParseResult.Rejected rejected ? rejected.Errors : [];

        Assert.Equal(refusedAt is null ? [] : [refusedAt], errors.Select(static e => e.Path));
        Assert.All(errors, static e => Assert.Contains("exec /kubempi/kubempi-agent worker", e.Fix, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("exec", "mine", "spec.mpiReplicaSpecs[Launcher].template.spec.serviceAccountName")]
    [InlineData("exec", "", null)]
    [InlineData("agent", "mine", null)]
    public void Over_exec_the_launcher_runs_as_the_jobs_own_account(string transport, string account, string? refusedAt)
    {
        var job = Manifests.Tree();
        Worker(job).Remove("command");
        Worker(job).Remove("args");
        job["spec"]!["mpiReplicaSpecs"]!["Launcher"]!["template"]!["spec"]!["serviceAccountName"] = account;
        job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/transport"] = transport };

        var errors = Manifests.Parse(job) is ParseResult.Rejected rejected ? rejected.Errors : [];

        Assert.Equal(refusedAt is null ? [] : [refusedAt], errors.Select(static e => e.Path));
    }

    private static JsonObject Worker(JsonObject job) => (JsonObject)job["spec"]!["mpiReplicaSpecs"]!["Worker"]!["template"]!["spec"]!["containers"]![0]!;

    [Fact]
    public void A_job_without_workers_is_fine() => Assert.Equal(0, Manifests.With("spec/mpiReplicaSpecs/Worker", null).Run().Workers.Count);

    [Theory]
    // path, JSON (nothing takes the member away) -> message
    [InlineData("spec", null, "spec.mpiReplicaSpecs: Required value: must have replica specs")]
    [InlineData("spec/mpiReplicaSpecs", null, "spec.mpiReplicaSpecs: Required value: must have replica specs")]
    [InlineData("spec/mpiReplicaSpecs/Launcher", null, "spec.mpiReplicaSpecs[Launcher]: Required value: must have Launcher replica spec")]
    [InlineData("spec/mpiReplicaSpecs/Launcher", "null", "spec.mpiReplicaSpecs[Launcher]: Required value: must have Launcher replica spec")]
    [InlineData("spec/mpiReplicaSpecs/Launcher/replicas", "2", "spec.mpiReplicaSpecs[Launcher].replicas: Invalid value: 2: must be 1")]
    [InlineData("spec/mpiReplicaSpecs/Launcher/restartPolicy", "\"Always\"", "spec.mpiReplicaSpecs[Launcher].restartPolicy: Unsupported value: \"Always\": supported values: \"Never\", \"OnFailure\"")]
    [InlineData("spec/mpiReplicaSpecs/Worker/restartPolicy", "\"ExitCode\"", "spec.mpiReplicaSpecs[Worker].restartPolicy: Unsupported value: \"ExitCode\": supported values: \"Never\", \"OnFailure\"")]
    [InlineData("spec/mpiReplicaSpecs/Launcher/template/spec/containers", "[]", "spec.mpiReplicaSpecs[Launcher].template.spec.containers: Required value: must define at least one container")]
    [InlineData("spec/mpiReplicaSpecs/Worker/template", null, "spec.mpiReplicaSpecs[Worker].template.spec.containers: Required value: must define at least one container")]
    [InlineData("spec/mpiReplicaSpecs/Worker/replicas", null, "spec.mpiReplicaSpecs[Worker].replicas: Invalid value: 0: must be greater than or equal to 1")]
    [InlineData("spec/mpiReplicaSpecs/Worker/replicas", "-3", "spec.mpiReplicaSpecs[Worker].replicas: Invalid value: -3: must be greater than or equal to 1")]
    [InlineData("spec/slotsPerWorker", "-1", "spec.slotsPerWorker: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec/runPolicy/cleanPodPolicy", "\"Sometimes\"", "spec.runPolicy.cleanPodPolicy: Unsupported value: \"Sometimes\": supported values: \"All\", \"None\", \"Running\"")]
    [InlineData("spec/runPolicy/cleanPodPolicy", "\"\"", "spec.runPolicy.cleanPodPolicy: Unsupported value: \"\": supported values: \"All\", \"None\", \"Running\"")]
    [InlineData("spec/runPolicy/ttlSecondsAfterFinished", "-1", "spec.runPolicy.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec/runPolicy/activeDeadlineSeconds", "-1", "spec.runPolicy.activeDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec/runPolicy/backoffLimit", "-1", "spec.runPolicy.backoffLimit: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec/runPolicy/managedBy", "\"kubeflow.org/mpi-operater\"", "spec.runPolicy.managedBy: Unsupported value: \"kubeflow.org/mpi-operater\": supported values: \"kubeflow.org/mpi-operator\", \"kueue.x-k8s.io/multikueue\"")]
    [InlineData("spec/mpiImplementation", "\"openmpi\"", "spec.mpiImplementation: Unsupported value: \"openmpi\": supported values: \"Intel\", \"MPICH\", \"OpenMPI\"")]
    // a string where a number belongs, and the like
    [InlineData("spec/slotsPerWorker", "\"4\"", "spec.slotsPerWorker: Invalid value: \"4\": must be an integer")]
    [InlineData("spec/slotsPerWorker", "1.5", "spec.slotsPerWorker: Invalid value: 1.5: must be a 32-bit integer")]
    [InlineData("spec/slotsPerWorker", "4294967296", "spec.slotsPerWorker: Invalid value: 4294967296: must be a 32-bit integer")]
    [InlineData("spec/mpiReplicaSpecs/Worker/replicas", "\"two\"", "spec.mpiReplicaSpecs[Worker].replicas: Invalid value: \"two\": must be an integer")]
    [InlineData("spec/runLauncherAsWorker", "\"yes\"", "spec.runLauncherAsWorker: Invalid value: \"yes\": must be true or false")]
    [InlineData("spec/runPolicy/suspend", "1", "spec.runPolicy.suspend: Invalid value: 1: must be true or false")]
    [InlineData("spec/sshAuthMountPath", "7", "spec.sshAuthMountPath: Invalid value: 7: must be a string")]
    [InlineData("spec/mpiReplicaSpecs", "[]", "spec.mpiReplicaSpecs: Invalid value: [...]: must be an object")]
    [InlineData("spec/runPolicy", "\"x\"", "spec.runPolicy: Invalid value: \"x\": must be an object")]
    [InlineData("spec", "[]", "spec: Invalid value: [...]: must be an object|spec.mpiReplicaSpecs: Required value: must have replica specs")]
    [InlineData("spec/mpiReplicaSpecs/Launcher/template/spec/containers", "{}", "spec.mpiReplicaSpecs[Launcher].template.spec.containers: Invalid value: {...}: must be a list")]
    [InlineData("spec/mpiReplicaSpecs/Launcher/template/spec/containers", "[3]", "spec.mpiReplicaSpecs[Launcher].template.spec.containers[0]: Invalid value: 3: must be an object")]
    [InlineData("spec/mpiReplicaSpecs/Launcher/template/spec/containers/0/args", "[2]", "spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].args[0]: Invalid value: 2: must be a string")]
    [InlineData("spec/mpiReplicaSpecs/Launcher/template/spec/containers/0/name", null, "spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].name: Required value: must have a name")]
    [InlineData("spec/mpiReplicaSpecs/Launcher/template/spec/containers/0/env", "{}", "spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].env: Invalid value: {...}: must be a list")]
    [InlineData("spec/mpiReplicaSpecs/Worker/template/metadata/labels", "{\"a\":1}", "spec.mpiReplicaSpecs[Worker].template.metadata.labels[a]: Invalid value: 1: must be a string")]
    [InlineData("spec/mpiReplicaSpecs/Worker/template/spec/volumes", "{}", "spec.mpiReplicaSpecs[Worker].template.spec.volumes: Invalid value: {...}: must be a list")]
    [InlineData("metadata/annotations", "{\"kubempi.dev/transport\":\"carrier pigeon\"}", "metadata.annotations[kubempi.dev/transport]: Unsupported value: \"carrier pigeon\": supported values: \"agent\", \"exec\", \"ssh\"")]
    public void A_fault_is_named_with_its_path_in_kubernetes_words(string path, string? json, string messages) =>
        Assert.Equal(messages.Split('|'), Manifests.With(path, json).Errors());

    [Fact]
    public void Every_fault_says_what_to_write_instead()
    {
        var rejected = Assert.IsType<ParseResult.Rejected>(Manifests.With("spec", """{"slotsPerWorker":"4","mpiImplementation":"x","mpiReplicaSpecs":{"Worker":{"replicas":0}}}"""));
        Assert.All(rejected.Errors, static e => Assert.False(string.IsNullOrEmpty(e.Fix), e.ToString()));
        Assert.Equal("Write 4 without quotes.", rejected.Errors.Single(static e => e.Path == "spec.slotsPerWorker").Fix);
    }

    [Fact]
    public void All_faults_come_at_once_in_kubeflows_order() => Assert.Equal(
        [
            "metadata.name",
            "spec.mpiReplicaSpecs[Launcher].restartPolicy", "spec.mpiReplicaSpecs[Launcher].template.spec.containers", "spec.mpiReplicaSpecs[Launcher].replicas",
            "spec.mpiReplicaSpecs[Worker].restartPolicy", "spec.mpiReplicaSpecs[Worker].template.spec.containers", "spec.mpiReplicaSpecs[Worker].replicas",
            "spec.slotsPerWorker",
            "spec.runPolicy.cleanPodPolicy", "spec.runPolicy.ttlSecondsAfterFinished", "spec.runPolicy.activeDeadlineSeconds", "spec.runPolicy.backoffLimit", "spec.runPolicy.managedBy",
            "spec.mpiImplementation",
        ],
        Assert.IsType<ParseResult.Rejected>(Manifests.Parse(
            """
            apiVersion: kubeflow.org/v2beta1
            kind: MPIJob
            metadata: {name: 1-pi}
            spec:
              mpiImplementation: LAM
              runPolicy: {managedBy: me, backoffLimit: -1, activeDeadlineSeconds: -1, ttlSecondsAfterFinished: -1, cleanPodPolicy: x}
              slotsPerWorker: -1
              mpiReplicaSpecs:
                Worker: {replicas: -1, restartPolicy: Always}
                Launcher: {replicas: 0, restartPolicy: Always}
            """)).Errors.Select(static e => e.Path));

    [Theory]
    [InlineData("1-pi", "\"1-pi-worker-1\": a DNS-1035 label must consist of lower case alphanumeric characters or '-'")]
    [InlineData("Pi", "\"Pi-worker-1\": a DNS-1035 label must consist of lower case alphanumeric characters or '-'")]
    [InlineData("abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdef", "worker-1\": must be no more than 63 characters")]
    public void A_name_must_make_labels_of_DNS_for_all_workers(string name, string part)
    {
        var message = Assert.Single(Manifests.With("metadata/name", $"\"{name}\"").Errors());
        Assert.StartsWith($"metadata.name: Invalid value: \"{name}\": will not able to create pod and service with invalid DNS label \"", message, StringComparison.Ordinal);
        Assert.Contains(part, message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_longest_worker_name_decides_not_the_first()
    {
        var name = new string('a', 54);
        Assert.Empty(Manifests.With("metadata/name", $"\"{name}\"").Errors());
        var tree = Manifests.Tree();
        tree["metadata"]!["name"] = name;
        tree["spec"]!["mpiReplicaSpecs"]!["Worker"]!["replicas"] = 11;
        Assert.Single(Manifests.Parse(tree).Errors());
    }

    [Theory]
    [InlineData("kueue.x-k8s.io/multikueue", true)]
    [InlineData("kubeflow.org/mpi-operator", false)]
    public void A_job_of_multikueue_is_not_ours_whatever_else_it_says(string manager, bool elsewhere)
    {
        var tree = Manifests.Tree();
        tree["spec"]!["runPolicy"]!["managedBy"] = manager;
        if (elsewhere) tree["spec"]!["slotsPerWorker"] = "nonsense";
        Assert.Equal(elsewhere, Manifests.Parse(tree) is ParseResult.ManagedElsewhere);
    }

    [Theory]
    [InlineData("\"AtStartup\"", LauncherCreation.AtStartup)]
    [InlineData("\"\"", LauncherCreation.AtStartup)]
    [InlineData("\"WaitForWorkersReady\"", LauncherCreation.WaitForWorkersReady)]
    [InlineData("\"waitForWorkers\"", LauncherCreation.WaitForWorkersReady)]
    public void Every_creation_policy_but_AtStartup_waits(string json, LauncherCreation expected) =>
        Assert.Equal(expected, Manifests.With("spec/launcherCreationPolicy", json).Run().Launcher.Creation);

    [Fact]
    public void More_workers_than_a_config_map_can_list_are_refused_before_anything_is_made()
    {
        Assert.Empty(Manifests.With("spec/mpiReplicaSpecs/Worker/replicas", "10000").Errors());
        Assert.Contains("a ConfigMap holds 1048576", Assert.Single(Manifests.With("spec/mpiReplicaSpecs/Worker/replicas", "2147483647").Errors()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""["horovodrun","--host-discovery-script","/etc/mpi/discover_hosts.sh"]""", WorkerLossPolicy.ReplaceWorker)]
    [InlineData("""["mpirun","x"]""", WorkerLossPolicy.RestartGang)]
    public void A_program_that_discovers_its_hosts_keeps_its_launcher_when_a_worker_is_lost(string command, WorkerLossPolicy expected) =>
        Assert.Equal(expected, Manifests.With("spec/mpiReplicaSpecs/Launcher/template/spec/containers/0/command", command).Run().Retry.OnWorkerLoss);

    [Fact]
    public void Unknown_fields_of_templates_stay()
    {
        var run = Manifests.With("spec/mpiReplicaSpecs/Worker/template/spec/fieldOfTomorrow", "{\"a\":1}").Run();
        Assert.Equal(1, run.Workers.Template.Integer("spec", "fieldOfTomorrow", "a"));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_a_fault_and_no_crash()
    {
        var json = JsonElement.Parse("""{"metadata":{"name":"pi\ud800"},"spec":{"mpiReplicaSpecs":{}}}""");
        Assert.Contains("not valid Unicode", Assert.Single(new KubeflowV2Beta1Dialect().Parse(json).Errors()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kubeflow.org/v2beta1", "MPIJob", true)]
    [InlineData("kubeflow.org/v3", "MPIJob", false)]
    [InlineData("v1", "Pod", false)]
    public void Dialects_are_found_by_version_and_kind(string apiVersion, string kind, bool found) =>
        Assert.Equal(found, ManifestDialects.For(apiVersion, kind) is not null);

    [Fact]
    public void A_version_that_nobody_serves_is_answered_with_those_that_are()
    {
        Assert.True(ManifestDialects.IsUnsupported("kubeflow.org/v3", "MPIJob", out var message));
        Assert.Equal($"apiVersion kubeflow.org/v3 with kind MPIJob is not supported; supported: {string.Join(", ", KubeflowConversion.ApiVersions.Select(static v => $"apiVersion {v} with kind MPIJob"))}.", message);
        Assert.False(ManifestDialects.IsUnsupported("kubeflow.org/v2beta1", "MPIJob", out _));
        Assert.False(ManifestDialects.IsUnsupported("v1", "Service", out _));
    }

    [Fact]
    public void The_resource_definition_is_at_hand_and_small_enough_for_a_plain_apply()
    {
        var definition = Yaml.Read(CustomResources.MpiJobs()).Single().Root;
        Assert.Equal("mpijobs.kubeflow.org", definition["metadata"]!["name"]!.ToString());
        // kubectl keeps the whole object in an annotation, and annotations end at 262144 bytes.
        Assert.True(definition.ToUtf8().Length < 20_000);
    }
}
