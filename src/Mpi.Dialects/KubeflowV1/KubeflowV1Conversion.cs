using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>The fields of <c>kubeflow.org/v1</c>, with what training-operator made of them (spec/kubeflow-mpijob.md 5.1, 5.12, 8).</summary>
internal static class KubeflowV1Conversion
{
    public static JsonObject ToHub(JsonElement job, ConversionSettings settings)
    {
        var hub = new JsonObject();
        JobFields.Copy(job, hub, "spec", "status");
        if (job.At("spec") is not { ValueKind: JsonValueKind.Object } spec) return hub;
        var made = new JsonObject();
        JobFields.Copy(spec, made, "slotsPerWorker");
        if (LauncherHasGpus(spec)) made["runLauncherAsWorker"] = true;
        SharedFields.PutRunPolicy(spec, made, SharedFields.RunPolicy(spec, settings));
        SharedFields.PutRoles(spec, made, RestartPolicy, RestartPolicy);
        hub["spec"] = made;
        return hub;
    }

    public static JsonObject FromHub(JsonElement job)
    {
        var old = new JsonObject();
        JobFields.Copy(job, old, "status");
        if (job.At("spec") is not { ValueKind: JsonValueKind.Object } spec) return old;
        var made = new JsonObject();
        JobFields.Copy(spec, made, "slotsPerWorker");
        JobFields.Put(made, "cleanPodPolicy", spec.At("runPolicy", "cleanPodPolicy"));
        JobFields.PutFilled(made, "runPolicy", SharedFields.RunPolicyBack(spec));
        SharedFields.PutRolesBack(spec, made);
        old["spec"] = made;
        return old;
    }

    /// <summary>A launcher with a limit of GPUs ran ranks, too; a name with <c>gpu</c> anywhere in it was one (spec 5.7).</summary>
    public static bool LauncherHasGpus(JsonElement spec) => spec.Items("mpiReplicaSpecs", "Launcher", "template", "spec", "containers")
        .Any(static c => c.Members("resources", "limits").Any(static l => l.Name.Contains("gpu", StringComparison.Ordinal)));

    /// <summary>The nearest that the stored version knows. There never was any logic behind ExitCode: its pods had Never.</summary>
    private static string RestartPolicy(string? policy) => policy switch
    {
        null or "" or "ExitCode" => "Never",
        "Always" => "OnFailure",
        _ => policy,
    };
}
