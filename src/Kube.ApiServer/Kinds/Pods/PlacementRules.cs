using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The rules of where a pod may run: tolerations and the terms of node affinity.</summary>
internal static class PlacementRules
{
    public static void ValidateTolerations(JsonObject spec, string path, List<FieldError> errors)
    {
        foreach (var (index, toleration) in spec.Objects("tolerations"))
        {
            var at = $"{path}.tolerations[{index}]";
            var (key, @operator, value) = (toleration.Text("key") ?? "", toleration.Text("operator") ?? "", toleration.Text("value") ?? "");
            if (key.Length > 0) PodSpecRules.Name(key, $"{at}.key", Names.CheckQualifiedName(key), errors);
            else if (@operator != "Exists")
            {
                errors.Add(FieldError.Invalid($"{at}.operator", $"\"{@operator}\"", "operator must be Exists when `key` is empty, which means \"match all values and all keys\""));
            }

            if (toleration["tolerationSeconds"] is not null && toleration.Text("effect") != "NoExecute")
            {
                errors.Add(FieldError.Invalid($"{at}.effect", $"\"{toleration.Text("effect")}\"", "effect must be 'NoExecute' when `tolerationSeconds` is set"));
            }

            switch (@operator)
            {
                case "" or "Equal":
                    PodSpecRules.Name(value, $"{at}.operator", Names.CheckLabelValue(value), errors);
                    break;
                case "Exists" when value.Length > 0:
                    errors.Add(FieldError.Invalid($"{at}.operator", $"\"{value}\"", "value must be empty when `operator` is 'Exists'"));
                    break;
                case not "Exists":
                    PodSpecRules.OneOf(toleration, "operator", at, ["Equal", "Exists"], errors);
                    break;
            }

            if (!string.IsNullOrEmpty(toleration.Text("effect"))) PodSpecRules.OneOf(toleration, "effect", at, ["NoSchedule", "PreferNoSchedule", "NoExecute"], errors);
        }
    }

    public static void ValidateAffinity(JsonObject spec, string path, List<FieldError> errors)
    {
        var at = $"{path}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
        if (spec.At("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution") is not JsonObject required) return;
        if (!required.Objects("nodeSelectorTerms").Any()) errors.Add(FieldError.Required($"{at}.nodeSelectorTerms", "must have at least one node selector term"));
        foreach (var (index, term) in required.Objects("nodeSelectorTerms"))
        {
            foreach (var (number, requirement) in term.Objects("matchExpressions")) Requirement(requirement, $"{at}.nodeSelectorTerms[{index}].matchExpressions[{number}]", errors);
        }
    }

    private static void Requirement(JsonObject requirement, string path, List<FieldError> errors)
    {
        var values = requirement.Texts("values").Count();
        switch (requirement.Text("operator") ?? "")
        {
            case "In" or "NotIn":
                if (values == 0) errors.Add(FieldError.Required($"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"));
                break;
            case "Exists" or "DoesNotExist":
                if (values > 0) errors.Add(FieldError.Forbidden($"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
                break;
            case "Gt" or "Lt":
                if (values != 1) errors.Add(FieldError.Required($"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"));
                break;
            case var other:
                errors.Add(FieldError.Invalid($"{path}.operator", $"\"{other}\"", "not a valid selector operator"));
                break;
        }

        var key = requirement.Text("key") ?? "";
        PodSpecRules.Name(key, $"{path}.key", Names.CheckQualifiedName(key), errors);
    }
}
