using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// A pod's quality-of-service class: <c>Guaranteed</c> when each container's cpu and memory are limited and requested alike,
/// <c>BestEffort</c> when none asks for either, else <c>Burstable</c> (<c>pkg/apis/core/helper/qos</c>).
/// </summary>
internal static class PodQuality
{
    public static string Class(JsonObject pod)
    {
        var spec = pod["spec"];
        var containers = spec.Objects("containers").Concat(spec.Objects("initContainers")).Select(static c => c.Item).ToList();
        var any = containers.Exists(static c => Asks(c, "requests") || Asks(c, "limits"));
        if (!any) return "BestEffort";
        return containers.TrueForAll(IsGuaranteed) ? "Guaranteed" : "Burstable";
    }

    private static bool Asks(JsonObject container, string side) => Amount(container, side, "cpu") is not null || Amount(container, side, "memory") is not null;

    private static bool IsGuaranteed(JsonObject container) => IsPinned(container, "cpu") && IsPinned(container, "memory");

    private static bool IsPinned(JsonObject container, string resource) =>
        Amount(container, "limits", resource) is { } limit && (Amount(container, "requests", resource) ?? limit) == limit;

    /// <summary>The quantity; zero counts as absent.</summary>
    private static Quantity? Amount(JsonObject container, string side, string resource) =>
        container.At("resources", side, resource) is { } value && Quantity.TryParse(value.Print(), out var quantity, out _) && !quantity.IsZero ? quantity : null;
}
