using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects.Tests;

/// <summary>Manifests of tests, written as users write them.</summary>
internal static class Manifests
{
    public const string Pi =
        """
        apiVersion: kubeflow.org/v2beta1
        kind: MPIJob
        metadata:
          name: pi
          namespace: default
        spec:
          slotsPerWorker: 1
          runPolicy:
            cleanPodPolicy: Running
            ttlSecondsAfterFinished: 60
          sshAuthMountPath: /home/mpiuser/.ssh
          mpiReplicaSpecs:
            Launcher:
              replicas: 1
              template:
                spec:
                  containers:
                  - image: mpioperator/mpi-pi:openmpi
                    name: mpi-launcher
                    command: [mpirun, -n, "2", /home/mpiuser/pi]
                    env:
                    - name: A
                      value: b
                    securityContext: {runAsUser: 1000}
                    resources: {limits: {cpu: 1, memory: 1Gi}}
            Worker:
              replicas: 2
              restartPolicy: OnFailure
              template:
                metadata:
                  labels: {team: x}
                spec:
                  containers:
                  - image: mpioperator/mpi-pi:openmpi
                    name: mpi-worker
                    command: [/usr/sbin/sshd]
                    args: [-De, -f, /home/mpiuser/.sshd_config]
        """;

    public static JsonObject Tree(string yaml = Pi) => Yaml.Read(yaml).Single().Root;

    public static ParseResult Parse(string yaml) => Parse(Tree(yaml));

    public static ParseResult Parse(JsonNode manifest) => new KubeflowV2Beta1Dialect().Parse(JsonElement.Parse(manifest.ToUtf8()));

    /// <summary>The pi manifest with one change: the member at the path set to what the JSON says; nothing takes it away.</summary>
    public static ParseResult With(string path, string? json)
    {
        var tree = Tree();
        var steps = path.Split('/');
        JsonNode parent = tree;
        foreach (var step in steps[..^1]) parent = int.TryParse(step, out var index) ? parent[index]! : parent[step] ?? ((JsonObject)parent).Object(step);
        if (json is null) ((JsonObject)parent).Remove(steps[^1]);
        else ((JsonObject)parent)[steps[^1]] = JsonNode.Parse(json);
        return Parse(tree);
    }

    public static MpiRun Run(this ParseResult result) => Assert.IsType<ParseResult.Run>(result).Value;

    public static IEnumerable<string> Errors(this ParseResult result) => result is ParseResult.Rejected rejected ? rejected.Errors.Select(static e => e.ToString()) : [];
}
