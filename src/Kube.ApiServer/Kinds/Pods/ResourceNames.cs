using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Names of what containers ask for: Kubernetes' own, or with a domain, as devices are.</summary>
internal static class ResourceNames
{
    /// <summary>Resources of somebody's own domain: whole, never overcommitted (<c>IsExtendedResourceName</c>).</summary>
    public static bool IsExtended(string resource) =>
        resource.Contains('/', StringComparison.Ordinal) && !IsNative(resource) && !resource.StartsWith("requests.", StringComparison.Ordinal);

    public static IEnumerable<string> Check(string resource)
    {
        foreach (var fault in Names.CheckQualifiedName(resource)) yield return fault;
        if (resource.Contains('/', StringComparison.Ordinal) || IsStandard(resource)) yield break;
        yield return "must be a standard resource type or fully qualified";
        yield return "must be a standard resource for containers";
    }

    private static bool IsNative(string resource) => resource[..resource.IndexOf('/')] is "kubernetes.io" || resource[..resource.IndexOf('/')].EndsWith(".kubernetes.io", StringComparison.Ordinal);

    private static bool IsStandard(string resource) =>
        resource is "cpu" or "memory" or "ephemeral-storage" || resource.StartsWith("hugepages-", StringComparison.Ordinal);
}
