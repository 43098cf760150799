using Kube.Types;

namespace Kube.Controllers;

internal static class PodAvailability
{
    /// <summary>When the pod became ready; null while it is not.</summary>
    public static DateTimeOffset? ReadySince(this PodView pod) => pod.IsReady
        ? Conditions.Find(pod.Status, "Ready")?.LastTransitionTime ?? DateTimeOffset.MinValue
        : null;

    /// <summary>Ready for as long as <c>minReadySeconds</c> asks.</summary>
    public static bool IsAvailable(this PodView pod, TimeSpan minReady, DateTimeOffset now) =>
        pod.ReadySince() is { } since && (minReady == TimeSpan.Zero || since + minReady <= now);

    /// <summary>When the next of these pods becomes available by the passing of time; null when none does.</summary>
    public static DateTimeOffset? NextAvailable(this IEnumerable<PodView> pods, TimeSpan minReady, DateTimeOffset now) => minReady == TimeSpan.Zero
        ? null
        : pods.Select(p => p.ReadySince() + minReady).Where(at => at > now).Min();
}
