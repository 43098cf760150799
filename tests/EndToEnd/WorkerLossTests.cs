using Kube.Client;
using Kube.Types;

namespace EndToEnd;

/// <summary>A worker that dies under real Open MPI's ranks: the job goes on, and the pods that survived are the ones that it goes on in.</summary>
[Collection("this machine")]
public sealed class WorkerLossTests(UpCluster cluster) : IClassFixture<UpCluster>
{
    [Theory]
    [InlineData("in-place", "OnFailure", true)]
    [InlineData("anew", "Never", false)]
    public async Task The_ranks_start_again_with_the_pods_that_survived(string name, string restartPolicy, bool sameWorker1)
    {
        var shared = Directory.CreateTempSubdirectory("kubempi-loss-");
        try
        {
            Dictionary<string, string> before = [];
            var result = await cluster.RunAsync(Job(name, restartPolicy, shared.FullName), async () =>
            {
                await cluster.UntilAsync(Cluster.MpiJobs, name, static j => j.Has("Running"));
                before = await UidsAsync(name);
                // Both ranks were there when the worker was told to die.
                await File.WriteAllTextAsync(Path.Combine(shared.FullName, "go"), "", cluster.Limit);
            });

            result.ShouldEndWith(0);
            result.ShouldHaveRanksOn(2, $"{name}-worker-0", $"{name}-worker-1");
            var after = await UidsAsync(name);
            Assert.Equal(before[$"{name}-worker-0"], after[$"{name}-worker-0"]);
            Assert.Equal(sameWorker1, before[$"{name}-worker-1"] == after[$"{name}-worker-1"]);

            // One failure of the one that there may be: the launcher's own, which followed, is not another.
            var status = (await cluster.Client.GetAsync(Cluster.MpiJobs, "default", name, cluster.Limit)).Root.At("status");
            Assert.Equal((2, 1), (status.Integer("attempt", "number"), status.Integer("attempt", "failures")));
            await cluster.UntilAsync(Cluster.MpiJobs, name, static j => j.Has("Succeeded"));
            var events = await cluster.Client.ListAsync(Kinds.Event, "default", new ListOptions(), cluster.Limit);
            var told = events.Items.Select(static e => e.Root).Single(e => e.Text("reason") == "WorkerFailed" && e.Text("involvedObject", "name") == name);
            Assert.Matches($@"^worker {name}-worker-1 .*container worker: exit code 137.*; starting attempt 2$", told.Text("message"));

            // The start that counts is the second one.
            var times = new[] { "created", "scheduled", "running", "reachable", "launched" }.Select(step => status.Time("timeline", step)).ToList();
            Assert.DoesNotContain(null, times);
            Assert.Equal(times.Order(), times);
        }
        finally
        {
            shared.Delete(recursive: true);
        }
    }

    private async Task<Dictionary<string, string>> UidsAsync(string job) =>
        (await cluster.Client.ListAsync(Kinds.Pod, "default", new ListOptions(LabelSelector: $"training.kubeflow.org/job-name={job},training.kubeflow.org/job-role=worker"), cluster.Limit))
            .Items.ToDictionary(static p => p.Meta.Name, static p => p.Meta.Uid);

    /// <summary>
    /// At its first start rank 1 kills its worker's agent, as the kernel does when a container is out of memory; only once rank 0
    /// has seen that this is the first, and neither goes on to the program: it might end before the container does.
    /// </summary>
    private static string Job(string name, string workerRestarts, string shared) => $$"""
        apiVersion: kubeflow.org/v2beta1
        kind: MPIJob
        metadata: { name: {{name}}, namespace: default, annotations: { kubempi.dev/transport: agent } }
        spec:
          runPolicy: { backoffLimit: 1, cleanPodPolicy: None }
          mpiReplicaSpecs:
            Launcher:
              restartPolicy: Never
              template:
                spec:
                  containers:
                    - name: launcher
                      image: mpioperator/mpi-pi:openmpi
                      command: [mpirun, --allow-run-as-root, -n, "2", sh, -c]
                      args:
                        - |
                          test -e /shared/died && exec /home/mpiuser/pi
                          if test $OMPI_COMM_WORLD_RANK = 0; then touch /shared/waiting; exec sleep 600; fi
                          until test -e /shared/go && test -e /shared/waiting; do sleep 0.1; done
                          touch /shared/died
                          kill -9 $(pgrep -f [a]gent.worker) || exit 9
                          sleep 600
            Worker:
              replicas: 2
              restartPolicy: {{workerRestarts}}
              template:
                spec:
                  containers:
                    - name: worker
                      image: mpioperator/mpi-pi:openmpi
                      volumeMounts: [{ name: shared, mountPath: /shared }]
                  volumes: [{ name: shared, hostPath: { path: {{shared}} } }]
        """;
}
