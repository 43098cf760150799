using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;

namespace EndToEnd;

/// <summary>
/// The end-to-end cases of kubeflow/mpi-operator, which runs them on kind with its images: here with this machine's Open MPI and MPICH on the
/// local cluster, whose names end in a domain of its own. Where theirs ask for success alone, ours also ask where the ranks were.
/// </summary>
[Collection("this machine")]
public sealed class KubeflowEndToEndTests(UpCluster cluster) : IClassFixture<UpCluster>
{
    private const string Pi = "command: [mpirun, --allow-run-as-root, -n, '2', /home/mpiuser/pi]";

    [Theory]
    [InlineData("root-open-mpi", "OpenMPI", "openmpi", "command: [mpirun, --allow-run-as-root, -n, '2', /home/mpiuser/pi]")]
    [InlineData("root-mpich", "MPICH", "mpich", "args: [mpirun, -n, '2', /home/mpiuser/pi]")]
    public async Task As_root_a_job_succeeds_on_its_workers(string name, string implementation, string tag, string launcher)
    {
        var result = await cluster.RunAsync(Job(name, launcher, implementation: implementation, tag: tag));

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, $"{name}-worker-0", $"{name}-worker-1");
    }

    [Theory]
    [InlineData("user-open-mpi", "OpenMPI", "openmpi", "command: [mpirun, -n, '2', /home/mpiuser/pi]", "command: [/usr/sbin/sshd, -De, -f, /home/mpiuser/.sshd_config]")]
    [InlineData("user-mpich", "MPICH", "mpich", "args: [mpirun, -n, '2', /home/mpiuser/pi]", "args: [/usr/sbin/sshd, -De, -f, /home/mpiuser/.sshd_config]")]
    public async Task As_an_ordinary_user_a_job_succeeds_on_its_workers(string name, string implementation, string tag, string launcher, string worker)
    {
        const string User = "securityContext: { runAsUser: 1000 }, ";
        var result = await cluster.RunAsync(Job(name, User + launcher, worker: User + worker, implementation: implementation, tag: tag, spec: "sshAuthMountPath: /home/mpiuser/.ssh"));

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, $"{name}-worker-0", $"{name}-worker-1");
    }

    [Fact]
    public async Task A_malformed_command_fails_the_job_after_its_retries()
    {
        var result = await cluster.RunAsync(Job("malformed", "command: [mpirun, --allow-run-as-root, -n, 'two', /home/mpiuser/pi]", runPolicy: "backoffLimit: 1"));

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("malformed failed after", result.Error, StringComparison.Ordinal);
        var job = await cluster.UntilAsync(Cluster.MpiJobs, "malformed", static j => j.Has("Failed"));
        // Its Job takes the pod away with the last failure; what was wrong is known all the same.
        var failed = job.Root.Items("status", "conditions").Single(static c => c.Text("type") == "Failed");
        Assert.Equal("BackoffLimitExceeded", failed.Text("reason"));
        Assert.Contains("container launcher: exit code", failed.Text("message"), StringComparison.Ordinal);
        Assert.Contains("two", failed.Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Created_suspended_a_job_has_no_pods_and_succeeds_when_it_is_resumed()
    {
        var result = await cluster.RunAsync(Job("suspended", Pi, runPolicy: "suspend: true"), async () =>
        {
            await cluster.UntilAsync(Cluster.MpiJobs, "suspended", static j => j.Has("Suspended"));
            var launcher = await cluster.UntilAsync(Kinds.Job, "suspended-launcher", static j => j.Root.Flag("spec", "suspend") == true);
            Assert.Equal(0, launcher.Root.Integer("status", "active") ?? 0);
            Assert.Empty(await cluster.PodsAsync("suspended"));
            await PatchAsync(Cluster.MpiJobs, "suspended", """{"spec":{"runPolicy":{"suspend":false}}}""");
        });

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, "suspended-worker-0", "suspended-worker-1");
    }

    [Fact]
    public async Task On_the_nodes_network_a_job_succeeds()
    {
        var result = await cluster.RunAsync(Job("on-host", "command: [mpirun, --allow-run-as-root, -n, '1', /home/mpiuser/pi]", workers: 1, pod: "hostNetwork: true"));

        result.ShouldEndWith(0);
        // Launcher and worker have one address there, so that Open MPI may take either for itself.
        Assert.Equal([0], result.Ranks.Keys);
        var worker = await cluster.Client.GetAsync(Kinds.Pod, "default", "on-host-worker-0", cluster.Limit);
        Assert.Equal("ClusterFirstWithHostNet", worker.Root.Text("spec", "dnsPolicy"));
    }

    [Fact]
    public async Task In_a_cluster_with_a_domain_of_its_own_the_launcher_runs_ranks_beside_its_worker()
    {
        var result = await cluster.RunAsync(Job("domain", "command: [mpirun, --allow-run-as-root, -n, '2', sh, -c, 'hostname -f; /home/mpiuser/pi']", workers: 1, spec: "runLauncherAsWorker: true"));

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, "domain-launcher", "domain-worker-0");
        Assert.Contains($"domain-worker-0.domain.default.svc.{UpCluster.Domain}", result.Output, StringComparison.Ordinal);
        var hosts = await cluster.Client.GetAsync(Kinds.ConfigMap, "default", "domain-config", cluster.Limit);
        Assert.Equal($"domain-launcher.domain.default.svc.{UpCluster.Domain} slots=1\ndomain-worker-0.domain.default.svc.{UpCluster.Domain} slots=1\n", hosts.Root.Text("data", "hostfile"));
    }

    [Fact]
    public async Task Another_managers_job_is_left_alone_while_one_that_names_its_own_manager_succeeds()
    {
        await cluster.Client.CreateAsync(Cluster.MpiJobs, KubeObject.From(Yaml.Read(Job("theirs", Pi, runPolicy: "managedBy: kueue.x-k8s.io/multikueue"))[0].Root), cluster.Limit);

        var result = await cluster.RunAsync(Job("ours", Pi, runPolicy: "managedBy: kubeflow.org/mpi-operator"));

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, "ours-worker-0", "ours-worker-1");
        var theirs = await cluster.Client.GetAsync(Cluster.MpiJobs, "default", "theirs", cluster.Limit);
        Assert.False(theirs.Root.Has("status"));
        Assert.Empty(await cluster.PodsAsync("theirs"));
        Assert.DoesNotContain("default/theirs-launcher", await Cluster.NamesAsync(cluster.Client, Kinds.Job, cluster.Limit));
    }

    [Theory]
    [InlineData("plugins", "scheduler-plugins-scheduler", "scheduling.x-k8s.io/pod-group")]
    [InlineData("volcano", "volcano", "scheduling.k8s.io/group-name")]
    public async Task A_gang_that_asks_for_more_than_there_is_waits_as_a_whole_and_runs_when_it_asks_for_no_more(string name, string scheduler, string mark)
    {
        const string Impossible = "schedulingPolicy: { minResources: { cpu: '100000', memory: 100000Gi } }";

        var result = await cluster.RunAsync(Job(name, Pi, runPolicy: Impossible, annotations: $"kubempi.dev/gang-scheduler: {scheduler}"), async () =>
        {
            foreach (var pod in new[] { $"{name}-worker-0", $"{name}-worker-1" })
            {
                var waiting = await cluster.UntilAsync(Kinds.Pod, pod, static p => p.Root.Items("status", "conditions").Any(static c => c.Text("reason") == "Unschedulable"));
                Assert.Equal("Pending", waiting.Root.Text("status", "phase"));
                Assert.True(waiting.Meta.Labels.ContainsKey(mark) || waiting.Meta.Annotations.ContainsKey(mark));
            }

            await PatchAsync(Cluster.MpiJobs, name, """{"spec":{"runPolicy":{"schedulingPolicy":{"minResources":null}}}}""");
        });

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, $"{name}-worker-0", $"{name}-worker-1");
    }

    private async Task PatchAsync(ResourceKind kind, string name, string patch) =>
        await cluster.Client.PatchAsync(kind, "default", name, Patch.Merge((JsonObject)JsonNode.Parse(patch)!), null, cluster.Limit);

    private static string Job(
        string name, string launcher, string worker = "", int workers = 2, string implementation = "OpenMPI", string tag = "openmpi", string runPolicy = "", string spec = "", string pod = "", string annotations = "") => $$"""
        apiVersion: kubeflow.org/v2beta1
        kind: MPIJob
        metadata: { name: {{name}}, namespace: default, annotations: { {{annotations}} } }
        spec:
          mpiImplementation: {{implementation}}
          runPolicy: { {{runPolicy}} }
          {{spec}}
          mpiReplicaSpecs:
            Launcher:
              restartPolicy: OnFailure
              template:
                spec:
                  {{pod}}
                  containers:
                    - { name: launcher, image: "mpioperator/mpi-pi:{{tag}}", imagePullPolicy: IfNotPresent, {{launcher}} }
            Worker:
              replicas: {{workers}}
              template:
                spec:
                  {{pod}}
                  containers:
                    - { name: worker, image: "mpioperator/mpi-pi:{{tag}}", imagePullPolicy: IfNotPresent, {{worker}} }
        """;
}
