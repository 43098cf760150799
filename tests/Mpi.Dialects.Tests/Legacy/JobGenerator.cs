using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;

namespace Mpi.Dialects.Tests;

/// <summary>Jobs of every version as random has them: sound ones of every shape, then the same spoilt.</summary>
internal sealed class JobGenerator(Random random)
{
    public static readonly string[] OldVersions = ["kubeflow.org/v1", "kubeflow.org/v1alpha2", "kubeflow.org/v1alpha1"];
    public const string Hub = "kubeflow.org/v2beta1";

    private static readonly JsonMutation Mutation = new(
        """{"Worker":null}""", """{"spec":{"containers":[{"name":"a"}]}}""", "\"kubeflow.org/training-operator\"", "\"None\"", "16", "12", """["a",1]""", "\"a,b\"", "1.0", "[{\"type\":\"Failed\",\"status\":\"True\"}]");

    public JsonObject Of(string apiVersion)
    {
        var job = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = "MPIJob", ["metadata"] = Metadata() };
        if (Chance(30)) job["spec"] = apiVersion == OldVersions[2] ? V1Alpha1() : Replicated(apiVersion);
        if (Chance(2)) job["status"] = apiVersion == OldVersions[2] ? OldStatus() : Status(apiVersion == Hub);
        Maybe(job, "extra", 20, () => Any());
        return job;
    }

    /// <summary>The same with up to four things in it exchanged, doubled or taken away; null where nothing readable is left.</summary>
    public JsonObject? Spoilt(JsonObject job)
    {
        try
        {
            var tree = KubeObject.Parse(Mutation.Of(job.ToJsonString(), random)).ToTree();
            return JsonText.TryRead(tree, out _) ? tree : null;
        }
        catch (Exception broken) when (broken is System.Text.Json.JsonException or InvalidOperationException or InvalidCastException)
        {
            return null;
        }
    }

    private JsonObject Metadata()
    {
        var metadata = new JsonObject { ["name"] = "job", ["namespace"] = "default", ["uid"] = "u-1" };
        Maybe(metadata, "creationTimestamp", 2, static () => "2020-05-15T06:05:41Z");
        Maybe(metadata, "labels", 4, static () => new JsonObject { ["a"] = "b" });
        Maybe(metadata, "annotations", 3, static () => new JsonObject { ["scheduling.volcano.sh/queue-name"] = "q", ["kubempi.dev/transport"] = "agent" });
        return metadata;
    }

    private JsonObject Replicated(string apiVersion)
    {
        var spec = new JsonObject();
        Maybe(spec, "slotsPerWorker", 2, () => random.Next(-1, 5));
        if (apiVersion == Hub)
        {
            Maybe(spec, "runLauncherAsWorker", 3, () => Chance(2));
            Maybe(spec, "launcherCreationPolicy", 3, () => Pick("AtStartup", "WaitForWorkersReady"));
            Maybe(spec, "sshAuthMountPath", 3, () => Pick("/root/.ssh", "/home/mpiuser/.ssh"));
            Maybe(spec, "mpiImplementation", 3, () => Pick("OpenMPI", "Intel", "MPICH"));
        }
        else
        {
            Maybe(spec, "cleanPodPolicy", 2, () => Pick("None", "Running", "All", ""));
            Maybe(spec, "mainContainer", 4, () => "main");
            if (apiVersion == OldVersions[1])
            {
                Maybe(spec, "mpiDistribution", 3, () => Pick("OpenMPI", "IntelMPI", "MPICH", "LAM"));
                Maybe(spec, "backoffLimit", 3, () => random.Next(5));
                Maybe(spec, "activeDeadlineSeconds", 3, () => random.Next(500));
            }

            Maybe(spec, "unknown", 10, () => Any());
        }

        Maybe(spec, "runPolicy", 2, RunPolicy);
        Maybe(spec, "mpiReplicaSpecs", 30, () =>
        {
            var roles = new JsonObject();
            Maybe(roles, "Launcher", 20, () => Role("Launcher"));
            Maybe(roles, "Worker", 10, () => Role("Worker"));
            if (Chance(20)) roles["Evaluator"] = Role("Evaluator");
            return roles;
        });
        return spec;
    }

    private JsonObject V1Alpha1()
    {
        var spec = new JsonObject();
        foreach (var way in (string[])["gpus", "processingUnits", "replicas"])
        {
            if (Chance(2)) spec[way] = random.Next(0, 40);
        }

        Maybe(spec, "gpusPerNode", 5, () => random.Next(0, 9));
        Maybe(spec, "processingUnitsPerNode", 5, () => random.Next(0, 9));
        Maybe(spec, "processingResourceType", 4, () => Pick("cpu", "nvidia.com/gpu", "amd.com/gpu", ""));
        Maybe(spec, "slotsPerWorker", 4, () => random.Next(1, 9));
        Maybe(spec, "launcherOnMaster", 4, () => Chance(2));
        Maybe(spec, "backoffLimit", 3, () => random.Next(5));
        Maybe(spec, "activeDeadlineSeconds", 3, () => random.Next(500));
        Maybe(spec, "suspend", 8, () => Chance(2));
        Maybe(spec, "unknown", 10, () => Any());
        Maybe(spec, "template", 30, Template);
        return spec;
    }

    private JsonObject RunPolicy()
    {
        var policy = new JsonObject();
        Maybe(policy, "cleanPodPolicy", 3, () => Pick("None", "Running", "All", ""));
        Maybe(policy, "ttlSecondsAfterFinished", 3, () => random.Next(100));
        Maybe(policy, "activeDeadlineSeconds", 3, () => random.Next(100));
        Maybe(policy, "backoffLimit", 3, () => random.Next(9));
        Maybe(policy, "suspend", 3, () => Chance(2));
        Maybe(policy, "managedBy", 6, () => Pick("kubeflow.org/mpi-operator", "kubeflow.org/training-operator", "kueue.x-k8s.io/multikueue", "me"));
        Maybe(policy, "schedulingPolicy", 4, () => new JsonObject { ["minAvailable"] = random.Next(4), ["queue"] = "q", ["minResources"] = new JsonObject { ["cpu"] = Pick("2", "many") }, ["scheduleTimeoutSeconds"] = 10 });
        Maybe(policy, "unknown", 10, () => Any());
        return policy;
    }

    private JsonObject Role(string name)
    {
        var role = new JsonObject();
        Maybe(role, "replicas", 5, () => name == "Launcher" ? 1 : random.Next(0, 5));
        Maybe(role, "restartPolicy", 2, () => Pick("Never", "OnFailure", "Always", "ExitCode"));
        Maybe(role, "template", 20, Template);
        Maybe(role, "unknown", 20, () => Any());
        return role;
    }

    private JsonObject Template()
    {
        var container = new JsonObject { ["name"] = "main", ["image"] = "i" };
        Maybe(container, "command", 2, () => Pick(0, 4) switch { 0 => "mpirun,-n,2", 1 => "", 2 => new JsonArray(), _ => new JsonArray("mpirun", "-n", 2) });
        Maybe(container, "args", 2, () => new JsonArray("a", Chance(2) ? 1 : "1"));
        Maybe(container, "resources", 2, () =>
        {
            var resources = new JsonObject();
            Maybe(resources, "limits", 4, () => new JsonObject { [Pick("nvidia.com/gpu", "cpu", "x.com/gpu", "memory")] = Chance(2) ? random.Next(0, 9) : Pick("8", "1.5", "500m", "2Gi") });
            Maybe(resources, "requests", 3, () => new JsonObject { ["cpu"] = 1 });
            Maybe(resources, "request", 3, () => new JsonObject { ["cpu"] = 1 });
            return resources;
        });
        if (Chance(60)) container["env"] = new JsonArray(new JsonObject { ["name"] = "BIG", ["value"] = new string('x', 200 * 1024) });
        var pod = new JsonObject { ["containers"] = Chance(3) ? new JsonArray(container, new JsonObject { ["name"] = "side" }) : new JsonArray(container) };
        Maybe(pod, "restartPolicy", 5, () => Pick("Never", "Always"));
        Maybe(pod, "tolerations", 5, () => new JsonArray(new JsonObject { ["key"] = "t" }));
        Maybe(pod, "newerThanWeKnow", 9, () => Any());
        var template = new JsonObject { ["spec"] = pod };
        Maybe(template, "metadata", 4, () => new JsonObject { ["labels"] = new JsonObject { ["team"] = "x" } });
        return template;
    }

    private JsonObject Status(bool isHub)
    {
        var status = new JsonObject();
        Maybe(status, "conditions", 8, () => Chance(9) ? null : new JsonArray([.. ((string[])["Created", "Running", "Succeeded", "Failed", "Created"]).Where(_ => Chance(2)).Select(t => (JsonNode)Condition(t))]));
        Maybe(status, "replicaStatuses", 8, () => Chance(9) ? null : new JsonObject { ["Launcher"] = new JsonObject { ["active"] = random.Next(2) }, ["Worker"] = new JsonObject { ["active"] = random.Next(9) } });
        Maybe(status, "startTime", 3, static () => "2020-05-15T06:05:41Z");
        Maybe(status, "completionTime", 3, static () => "2020-05-15T06:51:39Z");
        if (isHub) Maybe(status, "state", 3, () => Pick("Running", "Succeeded"));
        Maybe(status, "unknown", 9, () => Any());
        return status;

        JsonObject Condition(string type) => new() { ["type"] = type, ["status"] = Pick("True", "False", "Perhaps"), ["reason"] = "R", ["message"] = "m", ["lastUpdateTime"] = Pick("2020-05-15T06:05:41Z", "yesterday") };
    }

    private JsonObject OldStatus()
    {
        var status = Chance(4) ? Status(isHub: false) : [];
        Maybe(status, "launcherStatus", 8, () => Pick("Active", "Succeeded", "Failed", ""));
        Maybe(status, "workerReplicas", 3, () => random.Next(9));
        Maybe(status, "startTime", 3, static () => "2020-05-15T06:05:41Z");
        Maybe(status, "completionTime", 3, static () => "2020-05-15T06:51:39Z");
        return status;
    }

    private JsonNode? Any() => Pick(0, 5) switch { 0 => 1.5, 1 => "text", 2 => new JsonObject { ["~a/b"] = new JsonArray(1, null, "x") }, 3 => null, _ => true };

    /// <summary>Left out once in so many times.</summary>
    private void Maybe(JsonObject parent, string member, int oneIn, Func<JsonNode?> value)
    {
        if (!Chance(oneIn)) parent[member] = value();
    }

    private bool Chance(int oneIn) => random.Next(oneIn) == 0;

    private int Pick(int from, int to) => random.Next(from, to);

    private string Pick(params ReadOnlySpan<string> choices) => choices[random.Next(choices.Length)];
}
