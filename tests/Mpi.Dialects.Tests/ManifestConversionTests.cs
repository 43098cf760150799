using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects.Tests;

/// <summary>Manifests of one system for another: what is meant arrives, and every field that does not is named.</summary>
public sealed class ManifestConversionTests
{
    private const string Hub = "kubeflow.org/v2beta1", Batch = "scheduling.incubator.k8s.io/v1alpha1", Skate = "skatelescope.org/v1", Alpha1 = "kubeflow.org/v1alpha1";

    private const string Mpich = """
        apiVersion: kubeflow.org/v2beta1
        kind: MPIJob
        metadata:
          name: pi
          annotations: {kubempi.dev/transport: agent}
        spec:
          slotsPerWorker: 1
          runLauncherAsWorker: true
          mpiImplementation: MPICH
          runPolicy:
            cleanPodPolicy: Running
            backoffLimit: 3
            suspend: true
            schedulingPolicy: {minAvailable: 4, queue: q, priorityClass: high}
          mpiReplicaSpecs:
            Launcher:
              replicas: 1
              restartPolicy: Never
              template: {spec: {containers: [{name: main, image: i, command: [mpirun, -n, "4", /pi], resources: {limits: {cpu: 1}}}]}}
            Worker:
              replicas: 3
              restartPolicy: Never
              template: {spec: {containers: [{name: main, image: i, resources: {limits: {cpu: 1}}}]}}
        """;

    private const string PiInBatch = """
        apiVersion: scheduling.incubator.k8s.io/v1alpha1
        kind: MPI
        metadata:
          name: pi
          annotations: {kubempi.dev/transport: agent}
        spec:
          job:
            apiVersion: batch/v1
            kind: Job
            spec:
              parallelism: 4
              completions: 4
              backoffLimit: 3
              suspend: true
              template: {spec: {containers: [{name: main, image: i, resources: {limits: {cpu: 1}}, command: [mpirun, -n, "4", /pi]}]}}
          podGroup:
            spec: {minMember: 4, queue: q, priorityClassName: high}
        """;

    private const string Hello = """
        apiVersion: skatelescope.org/v1
        kind: MPIJob
        metadata: {name: hello, namespace: work, labels: {team: x}}
        spec:
          replicas: 2
          slots: 3
          image: piersharding/mpibase
          template: {spec: {restartPolicy: OnFailure, containers: [{name: hello, command: [mpiexec], args: [hostname], resources: {limits: {cpu: 2}}}]}}
        """;

    [Fact]
    public void Like_pods_of_kube_batch_become_a_launcher_that_runs_ranks_and_its_workers()
    {
        var made = Convert(PiInBatch, Hub);
        Assert.Empty(Said(made));
        var expected = Manifests.Tree(Mpich);
        expected["metadata"]!["annotations"]!["kubempi.dev/gang-scheduler"] = "kube-batch";
        AssertSame(expected, made.Job);
    }

    [Fact]
    public void And_the_other_way_round()
    {
        var made = Convert(Mpich, Batch);
        Assert.Empty(Said(made));
        AssertSame(Manifests.Tree(PiInBatch), made.Job);
    }

    [Fact]
    public void What_kube_batch_always_ignored_and_what_a_job_has_no_place_for_is_named()
    {
        var made = Convert(
            """
            apiVersion: scheduling.incubator.k8s.io/v1alpha1
            kind: MPI
            metadata: {name: ring, uid: u-1, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}}
            spec:
              job:
                metadata: {name: child, labels: {team: x}}
                spec:
                  parallelism: 2
                  podReplacementPolicy: Failed
                  template: {spec: {restartPolicy: Always, serviceAccountName: me, containers: [{name: main, image: i, command: [mpirun, -f, /mpi/hostfile, /pi]}]}}
              podGroup: {metadata: {name: g}}
            status: {job: {active: 1}}
            """, Hub);
        Assert.Equal(
            ["metadata.uid", "metadata.annotations", "spec.job.metadata.name", "spec.job.spec.podReplacementPolicy", "spec.podGroup.metadata", "status",
             "spec.job.spec.template.spec.restartPolicy", "spec.job.spec.template.spec.serviceAccountName"],
            made.Left);
        Assert.Equal(["spec.job.spec.template.spec.containers[0].command[2]"], made.Remarks.Select(static r => r.Path));
        foreach (var role in (string[])["Launcher", "Worker"]) Assert.Equal("x", made.Job!["spec"]!["mpiReplicaSpecs"]![role]!["template"]!["metadata"]!["labels"]!["team"]!.ToString());
    }

    [Fact]
    public void What_like_pods_cannot_have_is_named_and_a_launcher_without_ranks_is_remarked()
    {
        var made = Convert(
            """
            apiVersion: kubeflow.org/v2beta1
            kind: MPIJob
            metadata: {name: pi}
            spec:
              slotsPerWorker: 2
              mpiImplementation: MPICH
              sshAuthMountPath: /home/mpiuser/.ssh
              launcherCreationPolicy: WaitForWorkersReady
              runPolicy: {cleanPodPolicy: All, schedulingPolicy: {minAvailable: 3, minResources: {cpu: 1}}}
              mpiReplicaSpecs:
                Launcher: {restartPolicy: OnFailure, template: {spec: {containers: [{name: l, image: i, command: [mpirun, -n, "4", /pi], env: [{name: A, value: b}]}]}}}
                Worker: {replicas: 2, template: {spec: {serviceAccountName: me, containers: [{name: w, image: i, command: [/usr/sbin/sshd, -De]}]}}}
            """, Batch);
        Assert.Equal(
            ["spec.slotsPerWorker", "spec.sshAuthMountPath", "spec.launcherCreationPolicy", "spec.runPolicy.cleanPodPolicy", "spec.runPolicy.schedulingPolicy.minResources",
             "spec.mpiReplicaSpecs[Launcher].restartPolicy",
             "spec.mpiReplicaSpecs[Worker].template.spec.containers[0].command", "spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].name",
             "spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].env", "spec.mpiReplicaSpecs[Worker].template.spec.serviceAccountName"],
            made.Left);
        Assert.Equal(["spec.mpiReplicaSpecs[Launcher]", "metadata.annotations[kubempi.dev/transport]"], made.Remarks.Select(static r => r.Path));
        var spec = made.Job!["spec"]!;
        Assert.Equal(("2", "2"), (spec["job"]!["spec"]!["parallelism"]!.ToString(), spec["podGroup"]!["spec"]!["minMember"]!.ToString()));
    }

    [Fact]
    public void One_template_becomes_two_that_say_what_the_hook_made_of_it()
    {
        var made = Convert(Hello, Hub);
        Assert.Empty(Said(made));
        AssertSame(
            Manifests.Tree("""
                apiVersion: kubeflow.org/v2beta1
                kind: MPIJob
                metadata: {name: hello, namespace: work, labels: {team: x}, annotations: {kubempi.dev/transport: agent}}
                spec:
                  slotsPerWorker: 3
                  mpiImplementation: OpenMPI
                  runPolicy: {cleanPodPolicy: None}
                  mpiReplicaSpecs:
                    Launcher:
                      replicas: 1
                      restartPolicy: OnFailure
                      template: {spec: {containers: [{name: hello, imagePullPolicy: IfNotPresent, image: piersharding/mpibase, command: [mpiexec], args: [hostname], resources: {limits: {cpu: 2}}}]}}
                    Worker:
                      replicas: 2
                      restartPolicy: OnFailure
                      template: {spec: {containers: [{name: hello, imagePullPolicy: IfNotPresent, image: piersharding/mpibase, resources: {limits: {cpu: 2}}}]}}
                """),
            made.Job);
        var back = Convert(made.Job!.ToJsonString(), Skate);
        Assert.Empty(Said(back));
        Assert.Equal(("2", "3"), (back.Job!["spec"]!["replicas"]!.ToString(), back.Job["spec"]!["slots"]!.ToString()));
        Assert.Equal("OnFailure", back.Job["spec"]!["template"]!["spec"]!["restartPolicy"]!.ToString());
    }

    [Fact]
    public void Daemons_stay_apart_and_those_without_a_node_are_waited_for()
    {
        var job = Manifests.Tree(Hello);
        job["spec"]!["daemon"] = true;
        job["metadata"]!["annotations"] = new JsonObject { ["kubempi.dev/leave-out-after-seconds"] = "10", ["kubempi.dev/clean-pod-policy"] = "All", ["kubempi.dev/launcher-resources"] = "false" };
        var made = Convert(job.ToJsonString(), Hub);
        Assert.Equal(["metadata.annotations[kubempi.dev/leave-out-after-seconds]"], made.Left);
        Assert.Equal(["spec.daemon"], made.Remarks.Select(static r => r.Path));
        var roles = made.Job!["spec"]!["mpiReplicaSpecs"]!;
        Assert.Contains("\"training.kubeflow.org/job-name\":\"hello\"", roles["Worker"]!["template"]!["spec"]!["affinity"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Null(roles["Launcher"]!["template"]!["spec"]!["containers"]![0]!["resources"]);
        Assert.Equal("All", made.Job["spec"]!["runPolicy"]!["cleanPodPolicy"]!.ToString());
    }

    [Fact]
    public void What_the_hook_has_no_field_for_is_named_in_the_words_of_the_version_it_was_written_in()
    {
        var made = Convert(
            """
            apiVersion: kubeflow.org/v1alpha1
            kind: MPIJob
            metadata: {name: bench}
            spec:
              gpus: 16
              backoffLimit: 2
              activeDeadlineSeconds: 60
              template: {spec: {containers: [{name: bench, image: i, command: [mpirun, bench]}]}}
            """, Skate);
        Assert.Empty(made.Faults);
        Assert.Equal(["spec.gpus", "spec.backoffLimit", "spec.activeDeadlineSeconds"], made.Left.Where(static l => !l.Contains("template", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Reverse());
        Assert.Equal(("2", "8"), (made.Job!["spec"]!["replicas"]!.ToString(), made.Job["spec"]!["slots"]!.ToString()));
    }

    [Theory]
    [InlineData(Mpich, Skate, "spec.mpiImplementation: Invalid value: \"MPICH\": must be OpenMPI: MPIJobs of skatelescope.org run no other")]
    [InlineData(PiInBatch, Skate, "spec.mpiImplementation: Invalid value: \"MPICH\": must be OpenMPI: MPIJobs of skatelescope.org run no other")]
    [InlineData(Hello, Batch, "spec.mpiImplementation: Invalid value: \"OpenMPI\": must be MPICH: kube-batch's MPI runs no other")]
    public void A_program_of_another_MPI_is_refused(string manifest, string to, string fault)
    {
        var made = Convert(manifest, to);
        Assert.Null(made.Job);
        Assert.Contains(fault, made.Faults.Select(static f => $"{f.Path}: {f.Body}"));
    }

    [Fact]
    public void What_its_own_operator_would_refuse_becomes_nothing()
    {
        var made = Convert(Hello.Replace("replicas: 2", "replicas: 0", StringComparison.Ordinal), Hub);
        Assert.Null(made.Job);
        Assert.Equal(["spec.replicas"], made.Faults.Select(static f => f.Path));
    }

    [Fact]
    public void What_the_targets_operator_would_refuse_becomes_nothing()
    {
        var made = Convert(Mpich.Replace("name: pi\n", $"name: {new string('p', 58)}\n", StringComparison.Ordinal).Replace("Worker:\n      replicas: 3", "Worker:\n      replicas: 3", StringComparison.Ordinal), Batch);
        Assert.Null(made.Job);
        Assert.Equal(["metadata.name"], made.Faults.Select(static f => f.Path).Distinct(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("examples/kube-batch/job.yaml", Hub)]
    [InlineData("examples/kube-batch/test-mpi.yaml", "kubeflow.org/v1")]
    [InlineData("examples/metacontroller/job.yaml", Hub)]
    [InlineData("examples/agent/job.yaml", Skate)]
    [InlineData("examples/agent/mpich.yaml", Batch)]
    [InlineData("examples/kubeflow-v1alpha1/replicas.yaml", Skate)]
    public void Examples_become_sound_manifests_of_another_system(string example, string to)
    {
        var made = ManifestConversion.Convert(Yaml.Read(File.ReadAllText(Path.Combine(ManifestAdviceTests.Root(), example))).Single().Root, to, ConversionSettings.Default)!;
        Assert.Empty(made.Faults);
        Assert.DoesNotContain(ManifestValidator.Check(Yaml.Write(KubeObject.From(made.Job!).Root)).Findings, static f => f.Severity == FindingSeverity.Error);
    }

    [Fact]
    public void What_is_no_job_is_left_to_itself() => Assert.Null(ManifestConversion.Convert(Manifests.Tree("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"), Hub, ConversionSettings.Default));

    [Fact]
    public void Within_kubeflows_group_all_is_kept()
    {
        var made = Convert(Mpich, Alpha1);
        Assert.NotEmpty(made.Kept);
        AssertSame(Manifests.Tree(Mpich), Convert(made.Job!.ToJsonString(), Hub).Job);
    }

    private static ConvertedManifest Convert(string manifest, string to) => ManifestConversion.Convert(Manifests.Tree(manifest), to, ConversionSettings.Default)!;

    private static string[] Said(ConvertedManifest made) => [.. made.Left, .. made.Remarks.Select(static r => r.Path), .. made.Faults.Select(static f => f.ToString())];

    private static void AssertSame(JsonObject expected, JsonObject? actual) => Assert.True(JsonNode.DeepEquals(expected, actual), $"expected {expected.ToJsonString()}\nbut was {actual?.ToJsonString()}");
}
