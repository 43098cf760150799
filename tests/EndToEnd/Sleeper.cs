namespace EndToEnd;

/// <summary>A job that would run for ten minutes, for those who cut it short.</summary>
internal static class Sleeper
{
    public const string Manifest = """
        apiVersion: kubeflow.org/v2beta1
        kind: MPIJob
        metadata: { name: sleeper }
        spec:
          sshAuthMountPath: /home/mpiuser/.ssh
          mpiReplicaSpecs:
            Launcher:
              template:
                spec:
                  containers:
                    - { name: l, image: mpioperator/openmpi, securityContext: { runAsUser: 1000 }, command: [mpirun, -n, "1", sleep, "600"] }
            Worker:
              replicas: 1
              template:
                spec:
                  containers:
                    - { name: w, image: mpioperator/openmpi, securityContext: { runAsUser: 1000 }, command: [/usr/sbin/sshd, -De, -f, /home/mpiuser/.sshd_config] }
        """;
}
