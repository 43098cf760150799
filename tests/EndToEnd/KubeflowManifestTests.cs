namespace EndToEnd;

/// <summary>
/// Jobs written the way kubeflow's own samples are (for the mpi-pi image, with limits, TTL, probes and pull policies), which
/// must run as they are.
/// </summary>
[Collection("this machine")]
public sealed class KubeflowManifestTests
{
    [Fact]
    public async Task A_job_for_the_open_mpi_image_runs_on_its_two_workers()
    {
        var result = await Kubempi.RunTextAsync(Job(
            "ttlSecondsAfterFinished: 60", "", "openmpi", "command: [mpirun], args: [-n, '2', /home/mpiuser/pi]", "command: [/usr/sbin/sshd], args: [-De, -f, /home/mpiuser/.sshd_config]"));

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, "sample-worker-0", "sample-worker-1");
    }

    [Fact]
    public async Task A_job_for_the_mpich_image_runs_on_its_two_workers_through_the_images_entrypoint()
    {
        var result = await Kubempi.RunTextAsync(Job(
            "suspend: false", "mpiImplementation: MPICH", "mpich", "imagePullPolicy: Always, args: [mpirun, -n, '2', /home/mpiuser/pi]",
            "imagePullPolicy: Always, command: null, args: [/usr/sbin/sshd, -De, -f, /home/mpiuser/.sshd_config], readinessProbe: { tcpSocket: { port: 2222 }, initialDelaySeconds: 2 }"));

        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(2, "sample-worker-0", "sample-worker-1");
    }

    [Fact]
    public async Task The_intel_image_says_what_this_machine_lacks()
    {
        Assert.SkipWhen(Directory.Exists("/opt/intel/oneapi/mpi"), "Intel MPI is installed here");

        var result = await Kubempi.RunTextAsync(Job("suspend: false", "mpiImplementation: Intel", "intel", "args: [mpirun, -n, '2', /home/mpiuser/pi]", "args: [/usr/sbin/sshd, -De, -f, /home/mpiuser/.sshd_config]"));

        result.ShouldEndWith(3);
        Assert.Contains("image mpioperator/mpi-pi:intel: /opt/intel/oneapi/mpi/latest/bin/mpiexec.hydra is missing", result.Error, StringComparison.Ordinal);
    }

    private static string Job(string runPolicy, string implementation, string tag, string launcher, string worker) => $$"""
        apiVersion: kubeflow.org/v2beta1
        kind: MPIJob
        metadata:
          name: sample
        spec:
          slotsPerWorker: 1
          {{implementation}}
          runPolicy: { cleanPodPolicy: Running, {{runPolicy}} }
          sshAuthMountPath: /home/mpiuser/.ssh
          mpiReplicaSpecs:
            Launcher:
              replicas: 1
              template:
                spec:
                  containers:
                    - { name: mpi-launcher, image: "mpioperator/mpi-pi:{{tag}}", securityContext: { runAsUser: 1000 }, resources: { limits: { cpu: 1, memory: 1Gi } }, {{launcher}} }
            Worker:
              replicas: 2
              template:
                spec:
                  containers:
                    - { name: mpi-worker, image: "mpioperator/mpi-pi:{{tag}}", securityContext: { runAsUser: 1000 }, resources: { limits: { cpu: 1, memory: 1Gi } }, {{worker}} }
        """;
}
