using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What may stand in a ResourceQuota (<c>ValidateResourceQuota</c>).</summary>
internal static class QuotaRules
{
    private static readonly FrozenSet<string> Compute = new[]
    {
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
        "limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.storage", "storage",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Counted = new[]
    {
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps",
        "services.nodeports", "services.loadbalancers",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> BestEffortResources = new[] { "pods" }.ToFrozenSet(StringComparer.Ordinal);
    private static readonly FrozenSet<string> ComputeScopeResources = Compute.Except(["requests.storage", "storage"]).Append("pods").ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Scopes = new[]
    {
        "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity", "VolumeAttributesClass",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static void Validate(JsonObject quota, List<FieldError> errors)
    {
        foreach (var (name, value) in quota.Members("spec", "hard") ?? [])
        {
            var path = $"spec.hard[{name}]";
            if (!IsKnown(name))
            {
                errors.Add(FieldError.Invalid(path, $"\"{name}\"", "must be a standard resource type or fully qualified"));
                errors.Add(FieldError.Invalid(path, $"\"{name}\"", "must be a standard resource for quota"));
            }

            if (!Quantity.TryParse(value.Print(), out var amount, out var broken)) errors.Add(FieldError.Invalid(path, $"\"{value.Print()}\"", broken));
            else if (amount.Sign < 0) errors.Add(FieldError.Invalid(path, $"\"{amount}\"", "must be greater than or equal to 0"));
            else if (IsCount(name) && amount.MilliUnits % 1000 != 0) errors.Add(FieldError.Invalid(path, $"\"{amount}\"", "must be an integer"));
        }

        ValidateScopes(quota, errors);
        ValidateSelector(quota, errors);
    }

    private static bool IsKnown(string name) => Compute.Contains(name) || IsCount(name) || name.Contains('/') || name.StartsWith("hugepages-", StringComparison.Ordinal) || name.StartsWith("requests.hugepages-", StringComparison.Ordinal);

    private static bool IsCount(string name) => Counted.Contains(name) || name.StartsWith("count/", StringComparison.Ordinal);

    private static void ValidateScopes(JsonObject quota, List<FieldError> errors)
    {
        var scopes = quota.Texts("spec", "scopes").ToList();
        var text = quota.At("spec", "scopes")?.ToJsonString() ?? "null";
        foreach (var scope in scopes)
        {
            if (!Scopes.Contains(scope)) errors.Add(FieldError.Invalid("spec.scopes", text, "unsupported scope"));
            if ((quota.Members("spec", "hard") ?? []).Any(h => !Covers(scope, h.Key))) errors.Add(FieldError.Invalid("spec.scopes", text, "unsupported scope applied to resource"));
        }

        foreach (var (one, other) in new[] { ("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating") })
        {
            if (scopes.Contains(one) && scopes.Contains(other)) errors.Add(FieldError.Invalid("spec.scopes", text, "conflicting scopes"));
        }
    }

    /// <summary>Whether a scope can be asked of what a resource counts; names outside the standard ones always may.</summary>
    private static bool Covers(string scope, string resource)
    {
        if (!Compute.Contains(resource) && !Counted.Contains(resource)) return true;
        return scope switch
        {
            "BestEffort" => BestEffortResources.Contains(resource),
            "Terminating" or "NotTerminating" or "NotBestEffort" or "PriorityClass" or "CrossNamespacePodAffinity" => ComputeScopeResources.Contains(resource),
            _ => true,
        };
    }

    private static void ValidateSelector(JsonObject quota, List<FieldError> errors)
    {
        const string Path = "spec.scopeSelector.matchExpressions";
        foreach (var (_, term) in quota.Objects("spec", "scopeSelector", "matchExpressions"))
        {
            var (scope, op) = (term.Text("scopeName") ?? "", term.Text("operator") ?? "");
            var valued = term.Texts("values").Any();
            if (!Scopes.Contains(scope)) errors.Add(FieldError.Invalid($"{Path}.scopeName", $"\"{scope}\"", "unsupported scope"));
            if (scope is not ("PriorityClass" or "VolumeAttributesClass") && op != "Exists") errors.Add(FieldError.Invalid($"{Path}.operator", $"\"{op}\"", "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"));
            if (op is "In" or "NotIn" && !valued) errors.Add(FieldError.Required($"{Path}.values", "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"));
            else if (op is "Exists" or "DoesNotExist" && valued) errors.Add(FieldError.Invalid($"{Path}.values", term["values"]!.ToJsonString(), "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector"));
            else if (op is not ("In" or "NotIn" or "Exists" or "DoesNotExist")) errors.Add(FieldError.Invalid($"{Path}.operator", $"\"{op}\"", "not a valid selector operator"));
        }
    }
}
