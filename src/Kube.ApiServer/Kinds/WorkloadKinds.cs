using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Kubernetes' own gangs (KEP-4671), in the version of 1.36: what a workload is made of. Alpha, and its members still change:
/// so unknown ones are kept.
/// </summary>
internal sealed class WorkloadKind : KindStrategy
{
    private const int TemplatesMax = 8;

    public override ResourceKind Kind { get; } = new("scheduling.k8s.io", "v1alpha2", "Workload", "workloads");
    public override Shape? Shape => null;
    public override bool HasGeneration => true;

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var templates = obj.Objects("spec", "podGroupTemplates").ToList();
        if (templates.Count == 0) errors.Add(FieldError.Required("spec.podGroupTemplates", ""));
        if (templates.Count > TemplatesMax) errors.Add(new FieldError("spec.podGroupTemplates", FieldErrorKind.TooMany, $"{templates.Count}", $"must have at most {TemplatesMax} items"));
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, template) in templates)
        {
            var (path, name) = ($"spec.podGroupTemplates[{index}]", template.Text("name") ?? "");
            if (name.Length == 0) errors.Add(FieldError.Required($"{path}.name", ""));
            else if (!names.Add(name)) errors.Add(FieldError.Duplicate(path, name));
            else PodSpecRules.Name(name, $"{path}.name", Names.CheckDns1123Label(name), errors);
            SchedulingPolicy.Validate(template, path, errors);
        }

        if (obj.Members("spec", "controllerRef") is not { } controller) return;
        foreach (var member in new[] { "kind", "name" })
        {
            if (string.IsNullOrEmpty(controller.Text(member))) errors.Add(FieldError.Required($"spec.controllerRef.{member}", ""));
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors) => SchedulingPolicy.CheckUnchanged(obj, old, ["controllerRef", "podGroupTemplates"], errors);
}

/// <summary>Pods that are scheduled together: made of a template of a Workload, or on its own.</summary>
internal sealed class PodGroupKind : KindStrategy
{
    public override ResourceKind Kind { get; } = new("scheduling.k8s.io", "v1alpha2", "PodGroup", "podgroups");
    public override Shape? Shape => null;
    public override bool HasStatus => true;
    public override bool HasGeneration => true;

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        SchedulingPolicy.Validate(obj.Object("spec"), "spec", errors);
        if (obj.Members("spec", "podGroupTemplateRef") is not { } reference) return;
        foreach (var member in new[] { "workloadName", "podGroupTemplateName" })
        {
            if (string.IsNullOrEmpty(reference.Text("workload", member))) errors.Add(FieldError.Required($"spec.podGroupTemplateRef.workload.{member}", ""));
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors) =>
        SchedulingPolicy.CheckUnchanged(obj, old, ["podGroupTemplateRef", "schedulingPolicy", "schedulingConstraints"], errors);
}

/// <summary>What both have: one policy of two, and that it stays.</summary>
internal static class SchedulingPolicy
{
    public static void Validate(JsonObject of, string path, List<FieldError> errors)
    {
        var policy = of.Members("schedulingPolicy");
        var (basic, gang) = (policy.Members("basic"), policy.Members("gang"));
        if (basic is null == gang is null)
        {
            errors.Add(FieldError.Invalid($"{path}.schedulingPolicy", policy?.ToJsonString() ?? "null", "must specify exactly one of: `basic`, `gang`"));
        }

        if (gang is not null && (gang.Integer("minCount") ?? 0) < 1)
        {
            errors.Add(FieldError.Invalid($"{path}.schedulingPolicy.gang.minCount", $"{gang.Integer("minCount") ?? 0}", "must be greater than or equal to 1"));
        }
    }

    public static void CheckUnchanged(JsonObject obj, JsonObject old, string[] members, List<FieldError> errors)
    {
        foreach (var member in members)
        {
            if (!obj.At("spec", member).SameAs(old.At("spec", member))) errors.Add(FieldError.Invalid($"spec.{member}", obj.At("spec", member)?.ToJsonString() ?? "null", "field is immutable"));
        }
    }
}
