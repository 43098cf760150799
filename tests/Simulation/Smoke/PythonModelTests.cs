using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;
using Mpi.Model;

namespace Simulation;

/// <summary>
/// What the models of kubeflow's Python SDK for v2beta1 write: every attribute of each, under its name in JSON, times as Python's
/// <c>isoformat</c> gives them. A field that its MPIJob could carry is read, kept and never refused.
/// </summary>
public sealed class PythonModelTests
{
    // V2beta1MPIJob, V2beta1MPIJobSpec, V2beta1RunPolicy, V2beta1SchedulingPolicy, V2beta1ReplicaSpec.
    private const string Job = """
        {
          "apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "pi", "namespace": "default"},
          "spec": {
            "launcherCreationPolicy": "WaitForWorkersReady", "mpiImplementation": "OpenMPI", "runLauncherAsWorker": true, "slotsPerWorker": 2, "sshAuthMountPath": "/home/mpiuser/.ssh",
            "runPolicy": {
              "activeDeadlineSeconds": 600, "backoffLimit": 3, "cleanPodPolicy": "Running", "managedBy": "MANAGER", "suspend": false, "ttlSecondsAfterFinished": 60,
              "schedulingPolicy": {"minAvailable": 3, "minResources": {"cpu": 2, "memory": "1Gi"}, "priorityClass": "high", "queue": "research", "scheduleTimeoutSeconds": 30}
            },
            "mpiReplicaSpecs": {
              "Launcher": {"replicas": 1, "restartPolicy": "OnFailure", "template": {"metadata": {"labels": {"team": "x"}}, "spec": {"containers": [{"name": "launcher", "image": "example/mpi", "command": ["mpirun", "hostname"]}]}}},
              "Worker": {"replicas": 2, "restartPolicy": "Never", "template": {"spec": {"containers": [{"name": "worker", "image": "example/mpi", "resources": {"limits": {"cpu": 1}}}]}}}
            }
          }
        }
        """;

    // V2beta1JobStatus, V2beta1JobCondition, V2beta1ReplicaStatus.
    private const string Status = """
        {
          "completionTime": "2026-01-02T03:14:15+00:00", "lastReconcileTime": "2026-01-02T03:14:16.123456+00:00", "startTime": "2026-01-02T03:04:05+00:00",
          "conditions": [{"lastTransitionTime": "2026-01-02T03:04:05+00:00", "lastUpdateTime": "2026-01-02T03:04:05+00:00", "message": "m", "reason": "r", "status": "True", "type": "Created"}],
          "replicaStatuses": {
            "Launcher": {"active": 0, "failed": 0, "succeeded": 1, "selector": "a=b", "labelSelector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}]}},
            "Worker": {"active": 2}
          }
        }
        """;

    [Fact]
    public void Every_field_of_the_models_is_known()
    {
        var manifest = Job.Replace("MANAGER", "kubeflow.org/mpi-operator", StringComparison.Ordinal);

        Assert.Equal("", ManifestValidator.Check(manifest).ToText("job.json"));
        Assert.IsType<ParseResult.Run>(new KubeflowV2Beta1Dialect().Parse(JsonElement.Parse(manifest)));
    }

    [Fact]
    public async Task Every_field_of_the_models_is_kept()
    {
        await using var world = new SimulatedCluster(new SimulationOptions(3));
        var written = (JsonObject)JsonNode.Parse(Job.Replace("MANAGER", "kueue.x-k8s.io/multikueue", StringComparison.Ordinal))!;
        var created = world.Create(written, MpiJobs.Kind);
        Assert.True(JsonNode.DeepEquals(written["spec"], created.ToTree()["spec"]), created.ToString());

        var withStatus = created.ToTree();
        withStatus["status"] = JsonNode.Parse(Status);
        SimulatedCluster.Now(world.Admin.UpdateAsync(MpiJobs.Kind, KubeObject.From(withStatus), "status", CancellationToken.None));
        world.RunFor(TimeSpan.FromMinutes(1));

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Status), world.Find(MpiJobs.Kind, "pi")!.ToTree()["status"]));
    }
}
