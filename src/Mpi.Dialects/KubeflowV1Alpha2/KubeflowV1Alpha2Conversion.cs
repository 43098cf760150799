using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>The fields of <c>kubeflow.org/v1alpha2</c> (spec/kubeflow-mpijob.md 6.1, 8).</summary>
internal static class KubeflowV1Alpha2Conversion
{
    private static readonly string[] Limits = ["backoffLimit", "activeDeadlineSeconds"];

    public static JsonObject ToHub(JsonElement job, ConversionSettings settings)
    {
        var hub = new JsonObject();
        JobFields.Copy(job, hub, "spec", "status");
        if (job.At("spec") is not { ValueKind: JsonValueKind.Object } spec) return hub;
        var made = new JsonObject();
        JobFields.Copy(spec, made, "slotsPerWorker");
        switch (spec.Text("mpiDistribution"))
        {
            case "IntelMPI": made["mpiImplementation"] = "Intel"; break;
            case "MPICH": made["mpiImplementation"] = "MPICH"; break;
        }

        var policy = SharedFields.RunPolicy(spec, settings);
        foreach (var limit in Limits)
        {
            if (!spec.Has("runPolicy", limit)) JobFields.Put(policy, limit, spec.At(limit));
        }

        SharedFields.PutRunPolicy(spec, made, policy);
        SharedFields.PutRoles(spec, made, static policy => policy == "Never" ? "Never" : "OnFailure", static _ => "OnFailure");
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
        JobFields.Copy(spec.At("runPolicy"), made, Limits);
        JobFields.Put(made, "cleanPodPolicy", spec.At("runPolicy", "cleanPodPolicy"));
        switch (spec.Text("mpiImplementation"))
        {
            case "Intel": made["mpiDistribution"] = "IntelMPI"; break;
            case "MPICH": made["mpiDistribution"] = "MPICH"; break;
        }

        var policy = SharedFields.RunPolicyBack(spec);
        foreach (var limit in Limits) policy.Remove(limit);
        JobFields.PutFilled(made, "runPolicy", policy);
        SharedFields.PutRolesBack(spec, made);
        old["spec"] = made;
        return old;
    }

    /// <summary>A limit stands in two places, and so does the clean-up policy: what is kept of one goes with what is kept of the other.</summary>
    public static string GroupOf(ReadOnlySpan<string> path) => path switch
    {
        ["spec", "runPolicy", var field, ..] when IsTwofold(field) => field,
        ["spec", var field, ..] when IsTwofold(field) => field,
        _ => KubeflowVersion.Default(path),
    };

    private static bool IsTwofold(string field) => field == "cleanPodPolicy" || Limits.Contains(field);
}
