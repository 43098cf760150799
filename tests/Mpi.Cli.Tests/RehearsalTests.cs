using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;
using Mpi.LocalCluster;
using Mpi.Operator;

namespace Mpi.Cli.Tests;

/// <summary>What <c>kubempi plan</c> prints: the operator's own creations, without a cluster.</summary>
public sealed class RehearsalTests
{
    private static readonly string[] Everything =
    [
        "Service team/pi", "ConfigMap team/pi-config", "Secret team/pi-ssh", "Pod team/pi-worker-0", "Pod team/pi-worker-1", "Job team/pi-launcher",
    ];

    [Fact]
    public async Task A_job_gets_all_that_the_operator_makes_of_it_in_the_order_in_which_it_does()
    {
        var rehearsal = await RunAsync();

        Assert.Equal(Everything, Names(rehearsal));
        Assert.All(rehearsal.Created, o => Assert.Equal(rehearsal.Jobs.Single().Meta.Uid, o.Meta.Controller?.Uid));
    }

    [Fact]
    public async Task A_launcher_that_waits_for_its_workers_is_there_too()
    {
        var rehearsal = await RunAsync(static spec => spec["launcherCreationPolicy"] = "WaitForWorkersReady");

        Assert.Equal(Everything, Names(rehearsal));
    }

    [Fact]
    public async Task Workers_of_a_StatefulSet_are_its_own_to_make_and_their_launcher_is_there_too()
    {
        var job = Yaml.Read(string.Join('\n', Repository.Page("examples/metacontroller/mpi-test-replicas.yaml")))[0].Root;
        ((JsonObject)job["metadata"]!)["namespace"] = "team";

        var rehearsal = await Rehearsal.RunAsync([(MetacontrollerDialect.MpiJob, KubeObject.From(job))], new OperatorOptions(), TestContext.Current.CancellationToken);

        Assert.Equal(
            [
                "ConfigMap team/mpioperator-test-mpi-config", "Job team/mpioperator-test-mpi-launcher", "Role team/mpioperator-test-mpi-launcher", "RoleBinding team/mpioperator-test-mpi-launcher",
                "Secret team/mpioperator-test-mpi-agent", "Service team/mpioperator-test-mpi-agent", "Service team/mpioperator-test-mpi-worker",
                "ServiceAccount team/mpioperator-test-mpi-launcher", "StatefulSet team/mpioperator-test-mpi-worker",
            ],
            Names(rehearsal).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_suspended_job_gets_its_launcher_suspended_and_no_worker()
    {
        var rehearsal = await RunAsync(static spec => spec["runPolicy"] = new JsonObject { ["suspend"] = true });

        Assert.DoesNotContain("Pod team/pi-worker-0", Names(rehearsal));
        Assert.True(rehearsal.Created.Single(static o => o.Kind == "Job").Root.Flag("spec", "suspend"));
    }

    [Theory]
    [InlineData("volcano", "PodGroup")]
    [InlineData("kube-batch", "PodGroup")]
    [InlineData("kubernetes", "Workload")]
    [InlineData("anything", "PodGroup")]
    public async Task Whichever_gang_scheduler_is_asked_for_is_taken_to_be_there(string scheduler, string kind)
    {
        var options = new OperatorOptions();

        var rehearsal = await RunAsync(options: options with { Planning = options.Planning with { GangScheduler = scheduler } });

        Assert.Contains($"{kind} team/pi", Names(rehearsal));
        Assert.Contains("Job team/pi-launcher", Names(rehearsal));
    }

    [Fact]
    public async Task The_same_manifest_gives_the_same_objects()
    {
        Assert.Equal(Texts(await RunAsync()), Texts(await RunAsync()));

        static IEnumerable<string> Texts(Rehearsal rehearsal) => rehearsal.Created.Where(static o => o.Kind != "Secret").Select(static o => Yaml.Write(o.Root));
    }

    [Fact]
    public async Task A_job_of_another_manager_gets_nothing()
    {
        var rehearsal = await RunAsync(static spec => spec["runPolicy"] = new JsonObject { ["managedBy"] = "kueue.x-k8s.io/multikueue" });

        Assert.Empty(rehearsal.Created);
        Assert.Single(rehearsal.Jobs);
    }

    private static IEnumerable<string> Names(Rehearsal rehearsal) => rehearsal.Created.Select(static o => o.ToString());

    private static Task<Rehearsal> RunAsync(Action<JsonObject>? spec = null, OperatorOptions? options = null)
    {
        var job = (JsonObject)JsonNode.Parse("""
            {"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "pi", "namespace": "team"},
             "spec": {"mpiReplicaSpecs": {
               "Launcher": {"template": {"spec": {"containers": [{"name": "main", "image": "example/mpi", "command": ["mpirun", "hostname"]}]}}},
               "Worker": {"replicas": 2, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi"}]}}}}}}
            """)!;
        spec?.Invoke((JsonObject)job["spec"]!);
        return Rehearsal.RunAsync([(KubeflowV2Beta1Dialect.MpiJob, KubeObject.From(job))], options ?? new OperatorOptions(), TestContext.Current.CancellationToken);
    }
}
