using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>What v1 and v1alpha2 share with the stored version: the roles, the run policy, and a clean-up policy of their own at the top.</summary>
internal static class SharedFields
{
    private static readonly string[] RoleNames = ["Launcher", "Worker"];

    /// <summary>What the training operator called itself in <c>managedBy</c>.</summary>
    private const string TrainingOperator = "kubeflow.org/training-operator";

    /// <param name="spec">Of the old version.</param>
    /// <param name="hub">Gets what is no object as it is, for the schema to refuse.</param>
    /// <param name="launcherPolicy">What the old version made of a launcher's restart policy, null where none is given.</param>
    /// <param name="workerPolicy">The same of a worker's.</param>
    public static void PutRoles(JsonElement spec, JsonObject hub, Func<string?, string> launcherPolicy, Func<string?, string> workerPolicy)
    {
        var specs = spec.At("mpiReplicaSpecs");
        if (specs.ValueKind != JsonValueKind.Object)
        {
            JobFields.Put(hub, "mpiReplicaSpecs", specs);
            return;
        }

        var roles = new JsonObject();
        foreach (var name in RoleNames)
        {
            if (specs.Has(name)) roles[name] = Role(specs.At(name), name == "Worker", name == "Worker" ? workerPolicy : launcherPolicy);
        }

        hub["mpiReplicaSpecs"] = roles;
    }

    public static void PutRolesBack(JsonElement spec, JsonObject old)
    {
        if (spec.At("mpiReplicaSpecs").ValueKind != JsonValueKind.Object) return;
        var roles = new JsonObject();
        foreach (var name in RoleNames)
        {
            if (spec.At("mpiReplicaSpecs", name) is not { ValueKind: JsonValueKind.Object } role) continue;
            var made = new JsonObject();
            JobFields.Copy(role, made, "replicas", "restartPolicy", "template");
            roles[name] = made;
        }

        old["mpiReplicaSpecs"] = roles;
    }

    /// <returns>The run policy as the stored version has it, for the version's own rules to finish.</returns>
    public static JsonObject RunPolicy(JsonElement spec, ConversionSettings settings)
    {
        var (policy, hub) = (spec.At("runPolicy"), new JsonObject());
        JobFields.Copy(policy, hub, "ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit", "suspend", "schedulingPolicy", "managedBy");
        if (policy.Text("managedBy") == TrainingOperator) hub["managedBy"] = KubeflowV2Beta1Parser.OwnManager;

        // Of two places the top one counts, unless this installation's jobs were the training operator's. Empty is the default.
        var (top, inner) = (spec.At("cleanPodPolicy"), policy.At("cleanPodPolicy"));
        var chosen = FieldReader.IsAbsent(top) || (settings.RunPolicyCleansUp && !FieldReader.IsAbsent(inner)) ? inner : top;
        if (chosen.ValueKind == JsonValueKind.String && chosen.GetString() is "") hub["cleanPodPolicy"] = "None";
        else JobFields.Put(hub, "cleanPodPolicy", chosen);
        return hub;
    }

    /// <summary>A run policy that is no object stays what it is, for the schema to refuse.</summary>
    public static void PutRunPolicy(JsonElement spec, JsonObject hub, JsonObject policy)
    {
        if (spec.Has("runPolicy") && spec.At("runPolicy").ValueKind != JsonValueKind.Object) JobFields.Put(hub, "runPolicy", spec.At("runPolicy"));
        else JobFields.PutFilled(hub, "runPolicy", policy);
    }

    public static JsonObject RunPolicyBack(JsonElement spec)
    {
        var (policy, old) = (spec.At("runPolicy"), new JsonObject());
        JobFields.Copy(policy, old, "ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit", "schedulingPolicy", "managedBy");
        if (policy.Flag("suspend") == true) old["suspend"] = true;
        if (policy.Text("managedBy") == KubeflowV2Beta1Parser.OwnManager) old["managedBy"] = TrainingOperator;
        return old;
    }

    private static JsonNode? Role(JsonElement role, bool isWorker, Func<string?, string> policy)
    {
        if (role.ValueKind != JsonValueKind.Object) return role.ToTree();
        var hub = new JsonObject();
        JobFields.Copy(role, hub, "replicas");
        var given = role.At("restartPolicy");
        if (given.ValueKind == JsonValueKind.String || FieldReader.IsAbsent(given)) hub["restartPolicy"] = policy(role.Text("restartPolicy"));
        else JobFields.Put(hub, "restartPolicy", given);
        if (!role.Has("template")) return hub;
        var template = JobFields.Template(role.At("template"));
        hub["template"] = isWorker ? JobFields.SleepingWorker(template) : template;
        return hub;
    }
}
