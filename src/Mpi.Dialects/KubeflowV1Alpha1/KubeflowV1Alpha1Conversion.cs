using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// The fields of <c>kubeflow.org/v1alpha1</c> (spec/kubeflow-mpijob.md 7, 8). Its one template becomes two: the workers' without the command,
/// which is the launcher's alone, and with the limit that each worker gets; the launcher's without resources.
/// </summary>
internal static class KubeflowV1Alpha1Conversion
{
    /// <summary>Ours: the old version had no word for it, and a suspended job that did not show it would look as if it only had to be started.</summary>
    private const string Suspend = "suspend";

    private const string Master = "node-role.kubernetes.io/master";

    public static JsonObject ToHub(JsonElement job, ConversionSettings settings)
    {
        var hub = new JsonObject();
        JobFields.Copy(job, hub, "spec");
        if (job.Has("status")) hub["status"] = KubeflowV1Alpha1Status.ToHub(job);
        if (job.At("spec") is not { ValueKind: JsonValueKind.Object } spec) return hub;

        var sizing = WorkerSizing.Of(spec, settings);
        var policy = new JsonObject { ["cleanPodPolicy"] = "All" };
        JobFields.Copy(spec, policy, "backoffLimit", "activeDeadlineSeconds", Suspend);
        var roles = new JsonObject { ["Launcher"] = Launcher(spec) };
        if (Worker(spec, sizing) is { } worker) roles["Worker"] = worker;
        var made = new JsonObject { ["slotsPerWorker"] = sizing.Slots };
        if (spec.Has("slotsPerWorker")) JobFields.Copy(spec, made, "slotsPerWorker");
        made["launcherCreationPolicy"] = "WaitForWorkersReady";
        made["runPolicy"] = policy;
        made["mpiReplicaSpecs"] = roles;
        hub["spec"] = made;
        return hub;
    }

    public static JsonObject FromHub(JsonElement job)
    {
        var old = new JsonObject();
        if (job.Has("status")) old["status"] = KubeflowV1Alpha1Status.FromHub(job.At("status"));
        if (job.At("spec") is not { ValueKind: JsonValueKind.Object } spec) return old;
        var made = new JsonObject();
        JobFields.Copy(spec, made, "slotsPerWorker");
        JobFields.Copy(spec.At("runPolicy"), made, "backoffLimit", "activeDeadlineSeconds");
        if (spec.Flag("runPolicy", "suspend") == true) made[Suspend] = true;
        JobFields.Put(made, "replicas", spec.At("mpiReplicaSpecs", "Worker", "replicas"));
        if (Template(spec.At("mpiReplicaSpecs", "Launcher", "template"), spec.At("mpiReplicaSpecs", "Worker", "template")) is { } template) made["template"] = template;
        old["spec"] = made;
        return old;
    }

    /// <summary>How many workers there are and what each gets is one matter, whatever fields say it.</summary>
    public static string GroupOf(ReadOnlySpan<string> path) => path switch
    {
        ["spec", "gpus" or "gpusPerNode" or "processingUnits" or "processingUnitsPerNode" or "processingResourceType" or "replicas" or "slotsPerWorker", ..] => "size",
        ["spec", "template", "spec", "containers", "0", "resources", ..] => "size",
        ["spec", "template", ..] => "template",
        ["status", ..] => "status",
        _ => KubeflowVersion.Default(path),
    };

    private static JsonObject Launcher(JsonElement spec)
    {
        var launcher = new JsonObject
        {
            ["replicas"] = 1,
            ["restartPolicy"] = spec.Text("template", "spec", "restartPolicy") == "Never" ? "Never" : "OnFailure",
        };
        if (!spec.Has("template")) return launcher;
        var template = JobFields.Template(spec.At("template"));
        if (JobFields.ContainerZero(template)?["resources"] is JsonObject resources)
        {
            resources.Remove("limits");
            resources.Remove("requests");
        }

        if (spec.Flag("launcherOnMaster") == true && JobFields.PodSpec(template) is { } pod) PutOnMaster(pod);
        launcher["template"] = template;
        return launcher;
    }

    private static JsonObject? Worker(JsonElement spec, WorkerSizing sizing)
    {
        if (!sizing.Faults.IsEmpty) return null;
        var worker = new JsonObject();
        if (sizing.Workers is { } count) worker["replicas"] = count;
        else if (spec.Has("replicas")) JobFields.Copy(spec, worker, "replicas");
        else return null;

        worker["restartPolicy"] = "OnFailure";
        if (!spec.Has("template")) return worker;
        var template = JobFields.Template(spec.At("template"));
        if (JobFields.ContainerZero(template) is { } container)
        {
            container.Remove("command");
            container.Remove("args");
            if (container["resources"] is null or JsonObject && container["resources"]?["limits"] is null or JsonObject) Limit(container.Object("resources").Object("limits"), sizing);
        }

        worker["template"] = template;
        return worker;
    }

    /// <summary>A limit that says the same in other words stays.</summary>
    private static void Limit(JsonObject limits, WorkerSizing sizing)
    {
        var present = limits[sizing.Resource] is { } limit ? Quantity.Read(JsonElement.Parse(limit.ToJsonString())) : null;
        if (present != Quantity.FromUnits(sizing.Units)) limits[sizing.Resource] = sizing.Units;
    }

    /// <summary>In place of what the user had said of tolerations and affinity (spec 7.3).</summary>
    private static void PutOnMaster(JsonObject pod)
    {
        pod["tolerations"] = new JsonArray(new JsonObject { ["key"] = Master, ["effect"] = "NoSchedule" });
        pod["affinity"] = new JsonObject
        {
            ["nodeAffinity"] = new JsonObject
            {
                ["requiredDuringSchedulingIgnoredDuringExecution"] = new JsonObject
                {
                    ["nodeSelectorTerms"] = new JsonArray(new JsonObject { ["matchExpressions"] = new JsonArray(new JsonObject { ["key"] = Master, ["operator"] = "Exists" }) }),
                },
            },
        };
    }

    /// <summary>The workers' template with the launcher's command: what both say otherwise is kept.</summary>
    private static JsonNode? Template(JsonElement launcher, JsonElement worker)
    {
        if (!worker.Has()) return launcher.ToTree();
        var template = worker.ToTree();
        if (JobFields.ContainerZero(template) is not { } container) return template;
        var main = launcher.Items("spec", "containers").FirstOrDefault();
        foreach (var member in (ReadOnlySpan<string>)["command", "args"])
        {
            container.Remove(member);
            JobFields.Put(container, member, main.At(member));
        }

        return template;
    }
}
