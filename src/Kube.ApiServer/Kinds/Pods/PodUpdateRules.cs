using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What may change in a pod once it exists: hardly anything (<c>ValidatePodUpdate</c>).</summary>
internal static class PodUpdateRules
{
    private const string Refusal =
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        + "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

    public static void Validate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (obj["spec"] is not JsonObject spec || old["spec"] is not JsonObject before) return;
        if (spec.SameAs(before)) return;

        foreach (var list in new[] { "containers", "initContainers" })
        {
            if (spec.Objects(list).Count() == before.Objects(list).Count()) continue;
            errors.Add(FieldError.Forbidden($"spec.{list}", "pod updates may not add or remove containers"));
            return;
        }

        // Put the changeable parts back: what then still differs may not.
        var rest = (JsonObject)spec.DeepClone();
        foreach (var list in new[] { "containers", "initContainers" })
        {
            foreach (var ((_, container), (_, was)) in rest.Objects(list).Zip(before.Objects(list))) container["image"] = was["image"]?.DeepClone();
        }

        CheckDeadline(spec, before, errors);
        CheckTolerations(spec, before, errors);
        Restore(rest, before, "activeDeadlineSeconds");
        Restore(rest, before, "tolerations");
        if (before["schedulingGates"] is JsonArray { Count: > 0 }) AllowWhileGated(rest, before, errors);
        if (!rest.SameAs(before)) errors.Add(FieldError.Forbidden("spec", Refusal));
    }

    private static void Restore(JsonObject rest, JsonObject before, string member)
    {
        if (before[member] is { } value) rest[member] = value.DeepClone();
        else rest.Remove(member);
    }

    private static void CheckDeadline(JsonObject spec, JsonObject before, List<FieldError> errors)
    {
        if (before.Integer("activeDeadlineSeconds") is not { } was) return;
        if (spec.Integer("activeDeadlineSeconds") is not { } now)
        {
            errors.Add(FieldError.Invalid("spec.activeDeadlineSeconds", "null", "must not update from a positive integer to nil value"));
        }
        else if (now > was)
        {
            errors.Add(FieldError.Invalid("spec.activeDeadlineSeconds", $"{now}", "must be less than or equal to previous value"));
        }
    }

    private static void CheckTolerations(JsonObject spec, JsonObject before, List<FieldError> errors)
    {
        var now = spec.Objects("tolerations").Select(static t => t.Item).ToList();
        foreach (var (_, was) in before.Objects("tolerations"))
        {
            if (now.Exists(t => Key(t) == Key(was))) continue;
            errors.Add(FieldError.Forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"));
            return;
        }

        static (string?, string?, string?, string?) Key(JsonObject t) => (t.Text("key"), t.Text("operator"), t.Text("value"), t.Text("effect"));
    }

    /// <summary>A pod behind scheduling gates may lose gates and narrow where it wants to run.</summary>
    private static void AllowWhileGated(JsonObject rest, JsonObject before, List<FieldError> errors)
    {
        var gates = before.Objects("schedulingGates").Select(static g => g.Item.Text("name")).ToHashSet();
        foreach (var (index, gate) in rest.Objects("schedulingGates"))
        {
            if (!gates.Contains(gate.Text("name"))) errors.Add(FieldError.Forbidden($"spec.schedulingGates[{index}].name", "only deletion is allowed, but found new scheduling gate '" + gate.Text("name") + "'"));
        }

        foreach (var (key, value) in before.Members("nodeSelector") ?? [])
        {
            if (!rest.At("nodeSelector", key).SameAs(value)) errors.Add(FieldError.Invalid("spec.nodeSelector", rest["nodeSelector"]?.ToJsonString() ?? "null", "only additions are allowed"));
        }

        foreach (var member in new[] { "schedulingGates", "nodeSelector", "affinity" }) Restore(rest, before, member);
    }
}
