using System.Globalization;
using Kube.Client;
using Kube.Types;

namespace EndToEnd;

/// <summary>
/// Workers that come late, each by a time of its own: the launcher starts once, after the last of them, and nothing is tried again. <c>./test</c>
/// takes a few starts; the full size is <c>KUBEMPI_SKEWED_STARTS=100 ./test end-to-end -class EndToEnd.SkewedStartTests</c> (results in
/// docs/transports.md).
/// </summary>
[Collection("this machine")]
public sealed class SkewedStartTests(ITestOutputHelper output)
{
    private const int Workers = 4;
    private const double SecondsLateAtMost = 6;
    private static readonly int Starts = Soak.Setting("KUBEMPI_SKEWED_STARTS", 3);

    [Fact]
    public async Task The_launcher_waits_for_workers_that_come_late_without_a_restart_or_a_retry()
    {
        await using var house = new Household(TimeSpan.FromMinutes(3) + Starts * TimeSpan.FromMinutes(1));
        (await house.RunAsync("up")).ShouldEndWith(0);
        using var client = Cluster.Connect(house);
        var random = new Random(20261122);
        for (var start = 1; start <= Starts; start++)
        {
            // Some come late before their containers start, and some when their agents do.
            var pods = Lateness(random);
            var agents = random.Next(2) == 0 ? Lateness(random) : [0, 0, 0, 0];
            var name = $"skewed-{start.ToString(CultureInfo.InvariantCulture)}";
            var file = Path.Combine(house.Home, "job.yaml");
            await File.WriteAllTextAsync(file, Manifest(name, pods, agents), house.Limit);

            var result = await house.RunAsync("run", "--keep", file);

            result.ShouldEndWith(0);
            result.ShouldHaveRanksOn(Workers, [.. Enumerable.Range(0, Workers).Select(w => $"{name}-worker-{w.ToString(CultureInfo.InvariantCulture)}")]);
            var waited = await ShouldHaveStartedOnceAsync(client, name, house.Limit);
            var latest = pods.Zip(agents, static (p, a) => p + a).Max();
            // The API tells times in whole seconds.
            Assert.True(waited > latest - 1, $"{name}: the launcher started after {waited} s, and the last worker came after {latest:0.0} s");
            output.WriteLine($"{name}: workers late by {Print(pods)} and {Print(agents)} s, launcher after {waited} s");
            await client.DeleteAsync(Cluster.MpiJobs, "default", name, new DeleteOptions(Propagation: "Background"), house.Limit);
        }
    }

    /// <returns>Seconds from the job's creation to its launcher's start.</returns>
    private static async Task<double> ShouldHaveStartedOnceAsync(KubeClient client, string name, CancellationToken cancellation)
    {
        var job = await client.GetAsync(Kinds.Job, "default", $"{name}-launcher", cancellation);
        Assert.Equal((1L, 0L), (job.Root.Integer("status", "succeeded") ?? 0, job.Root.Integer("status", "failed") ?? 0));
        var launcher = Assert.Single((await client.ListAsync(Kinds.Pod, "default", new ListOptions(LabelSelector: $"training.kubeflow.org/job-name={name},training.kubeflow.org/job-role=launcher"), cancellation)).Items);
        foreach (var list in new[] { "initContainerStatuses", "containerStatuses" })
        {
            Assert.All(launcher.Root.Items("status", list), static c => Assert.Equal(0, c.Integer("restartCount") ?? 0));
        }

        var mpiJob = await client.GetAsync(Cluster.MpiJobs, "default", name, cancellation);
        Assert.False(mpiJob.Has("Restarting"), mpiJob.ToString());
        var started = Time(launcher.Root.Items("status", "containerStatuses").Single().Text("state", "terminated", "startedAt"));
        return (started - Time(mpiJob.Root.Text("metadata", "creationTimestamp"))).TotalSeconds;
    }

    private static DateTimeOffset Time(string? text) => DateTimeOffset.Parse(text!, CultureInfo.InvariantCulture);

    private static double[] Lateness(Random random) => [.. Enumerable.Range(0, Workers).Select(_ => random.NextDouble() * SecondsLateAtMost)];

    private static string Print(double[] seconds) => string.Join(' ', seconds.Select(static s => s.ToString("0.0", CultureInfo.InvariantCulture)));

    /// <summary>A retry would fail the job, so that none can go unnoticed.</summary>
    private static string Manifest(string name, double[] pods, double[] agents) => $$"""
        apiVersion: kubeflow.org/v2beta1
        kind: MPIJob
        metadata: { name: {{name}}, namespace: default, annotations: { kubempi.dev/transport: agent } }
        spec:
          runPolicy: { backoffLimit: 0, cleanPodPolicy: None }
          mpiReplicaSpecs:
            Launcher:
              template:
                spec:
                  containers:
                    - { name: launcher, image: "mpioperator/mpi-pi:openmpi", securityContext: { runAsUser: 1000 }, command: [mpirun, -n, "{{Workers}}", /home/mpiuser/pi] }
            Worker:
              replicas: {{Workers}}
              template:
                spec:
                  initContainers:
                    - { name: late, image: "mpioperator/mpi-pi:openmpi", command: [sh, -c, '{{Sleep(pods)}}'] }
                  containers:
                    - { name: worker, image: "mpioperator/mpi-pi:openmpi", securityContext: { runAsUser: 1000 }, command: [sh, -c, '{{Sleep(agents)}}; exec /kubempi/kubempi-agent worker'] }
        """;

    /// <summary>Each worker by the number at the end of its name.</summary>
    private static string Sleep(double[] seconds) => $"set -- {Print(seconds)}; name=$(hostname); shift ${{name##*-}}; sleep $1";
}
