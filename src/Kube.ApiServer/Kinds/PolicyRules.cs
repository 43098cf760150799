using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The rules of roles (<c>pkg/apis/rbac/validation</c>): each says verbs, and either resources or URLs.</summary>
internal static class PolicyRules
{
    public static void Validate(JsonObject rule, string path, bool namespaced, List<FieldError> errors)
    {
        if (!rule.Texts("verbs").Any()) errors.Add(FieldError.Required($"{path}.verbs", "verbs must contain at least one value"));
        if (rule.Texts("nonResourceURLs").Any())
        {
            if (namespaced) errors.Add(FieldError.Invalid($"{path}.nonResourceURLs", rule["nonResourceURLs"]!.ToJsonString(), "namespaced rules cannot apply to non-resource URLs"));
            if (Any(rule, "apiGroups") || Any(rule, "resources") || Any(rule, "resourceNames"))
            {
                errors.Add(FieldError.Invalid($"{path}.nonResourceURLs", rule["nonResourceURLs"]!.ToJsonString(), "rules cannot apply to both regular resources and non-resource URLs"));
            }

            return;
        }

        if (!Any(rule, "apiGroups")) errors.Add(FieldError.Required($"{path}.apiGroups", "resource rules must supply at least one api group"));
        if (!Any(rule, "resources")) errors.Add(FieldError.Required($"{path}.resources", "resource rules must supply at least one resource"));
    }

    private static bool Any(JsonObject rule, string member) => rule[member] is JsonArray { Count: > 0 };
}
