using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Planning.Tests;

/// <summary>MPIJobs of tests, called <c>pi</c> in namespace <c>default</c>.</summary>
internal static class Jobs
{
    public static JsonObject Pi(int workers = 2, Action<JsonObject>? spec = null)
    {
        var job = new JsonObject
        {
            ["apiVersion"] = "kubeflow.org/v2beta1",
            ["kind"] = "MPIJob",
            ["metadata"] = new JsonObject { ["name"] = "pi", ["namespace"] = "default", ["uid"] = "job-uid", ["generation"] = 1 },
            ["spec"] = new JsonObject
            {
                ["slotsPerWorker"] = 1,
                ["runPolicy"] = new JsonObject { ["cleanPodPolicy"] = "Running" },
                ["mpiReplicaSpecs"] = new JsonObject { ["Launcher"] = Replica(1, "launcher", "mpirun", "-n", "2", "/home/mpiuser/pi") },
            },
        };
        if (workers > 0) job["spec"]!["mpiReplicaSpecs"]!["Worker"] = Replica(workers, "worker");
        spec?.Invoke((JsonObject)job["spec"]!);
        return job;
    }

    public static JsonObject Container(this JsonObject spec, string role) =>
        (JsonObject)spec["mpiReplicaSpecs"]![role]!["template"]!["spec"]!["containers"]![0]!;

    public static JsonObject PodSpec(this JsonObject spec, string role) => (JsonObject)spec["mpiReplicaSpecs"]![role]!["template"]!["spec"]!;

    public static JsonObject RunPolicy(this JsonObject spec) => spec.Object("runPolicy");

    private static JsonObject Replica(int replicas, string name, params string[] command)
    {
        var container = new JsonObject { ["name"] = name, ["image"] = "mpioperator/mpi-pi" };
        if (command.Length > 0) container["command"] = command.ToTree();
        return new JsonObject
        {
            ["replicas"] = replicas,
            ["template"] = new JsonObject { ["spec"] = new JsonObject { ["containers"] = new JsonArray(container) } },
        };
    }
}
