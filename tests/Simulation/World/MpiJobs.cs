using System.Text.Json.Nodes;
using Kube.Types;

namespace Simulation;

/// <summary>Manifests of MPI jobs for worlds whose pods only pretend.</summary>
public static class MpiJobs
{
    public static readonly ResourceKind Kind = Mpi.Dialects.KubeflowV2Beta1Dialect.MpiJob;

    public static JsonObject Job(string name, int workers = 2, string cleanPodPolicy = "Running", string ns = "default") => (JsonObject)JsonNode.Parse(
        """
        {
          "apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob",
          "metadata": {"name": "NAME", "namespace": "NAMESPACE"},
          "spec": {
            "slotsPerWorker": 1,
            "runPolicy": {"cleanPodPolicy": "POLICY"},
            "mpiReplicaSpecs": {
              "Launcher": {"replicas": 1, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi", "command": ["mpirun", "hostname"]}]}}},
              "Worker": {"replicas": COUNT, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi"}]}}}
            }
          }
        }
        """
            .Replace("NAMESPACE", ns, StringComparison.Ordinal).Replace("NAME", name, StringComparison.Ordinal)
            .Replace("POLICY", cleanPodPolicy, StringComparison.Ordinal).Replace("COUNT", workers.ToString(), StringComparison.Ordinal))!;

    /// <summary>A job whose launcher reaches its workers over the agent.</summary>
    public static JsonObject OverAgent(JsonObject job)
    {
        job["metadata"]!["annotations"] = new JsonObject { [Mpi.Dialects.KubeMpiAnnotations.Transport] = "agent" };
        return job;
    }

    /// <summary>A job whose launcher reaches its workers through the API.</summary>
    public static JsonObject OverExec(JsonObject job)
    {
        job["metadata"]!["annotations"] = new JsonObject { [Mpi.Dialects.KubeMpiAnnotations.Transport] = "exec" };
        return job;
    }

    /// <summary>The job's condition of this type is True.</summary>
    public static bool Has(KubeObject job, string condition) => Conditions.IsTrue(job.Root.At("status"), condition);
}
