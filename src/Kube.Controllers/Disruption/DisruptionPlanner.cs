using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <param name="Pods">The pods that the budget selects.</param>
/// <param name="ScaleOf">How many pods a pod's controller wants; null for a controller that has no scale.</param>
public sealed record ObservedBudget(KubeObject Budget, ImmutableArray<PodView> Pods, Func<PodView, (string Controller, int Replicas)?> ScaleOf, DateTimeOffset Now);

/// <summary>Counts what a PodDisruptionBudget allows: the eviction subresource refuses by it. Pure.</summary>
public static class DisruptionPlanner
{
    // An eviction that the server has taken and whose pod is still there is believed for so long.
    private static readonly TimeSpan DeletionPatience = TimeSpan.FromMinutes(2);

    /// <returns>The budget's status, and when time alone changes it.</returns>
    public static (JsonObject Status, DateTimeOffset? Again) Plan(ObservedBudget seen)
    {
        var spec = seen.Budget.Root.At("spec");
        var disrupted = Disrupted(seen);
        ImmutableArray<PodView> counted = [.. seen.Pods.Where(static p => !p.IsFinished)];
        var healthy = counted.Count(p => p is { IsReady: true, IsTerminating: false } && !disrupted.ContainsKey(p.Meta.Name));
        var (expected, desired, failure) = Expectation(seen, spec, counted);

        var allowed = expected > 0 && failure is null ? Math.Max(0, healthy - desired) : 0;
        var status = seen.Budget.Root.At("status").ToTree() as JsonObject ?? [];
        status["currentHealthy"] = healthy;
        status["desiredHealthy"] = desired;
        status["expectedPods"] = expected;
        status["disruptionsAllowed"] = allowed;
        status["observedGeneration"] = seen.Budget.Meta.Generation;
        if (disrupted.IsEmpty) status.Remove("disruptedPods");
        else status["disruptedPods"] = disrupted.Select(static d => KeyValuePair.Create(d.Key, KubeTime.Format(d.Value))).ToTree();
        var condition = failure is not null ? new Condition("DisruptionAllowed", "False", "SyncFailed", failure)
            : allowed > 0 ? new Condition("DisruptionAllowed", "True", "SufficientPods", "")
            : new Condition("DisruptionAllowed", "False", "InsufficientPods", "");
        var conditions = status.Array("conditions");
        Conditions.Set(conditions, condition, seen.Now);
        conditions.OfType<JsonObject>().First(static c => (string?)c["type"] == "DisruptionAllowed")["observedGeneration"] = seen.Budget.Meta.Generation;
        return (status, disrupted.IsEmpty ? null : disrupted.Values.Min() + DeletionPatience);
    }

    /// <summary>Pods whose eviction was granted and that are still there, not on their way out yet.</summary>
    private static ImmutableSortedDictionary<string, DateTimeOffset> Disrupted(ObservedBudget seen)
    {
        var disrupted = ImmutableSortedDictionary.CreateBuilder<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var entry in seen.Budget.Root.Members("status", "disruptedPods"))
        {
            if (seen.Budget.Root.Time("status", "disruptedPods", entry.Name) is not { } at || at + DeletionPatience <= seen.Now) continue;
            if (seen.Pods.Any(p => p.Meta.Name == entry.Name && !p.IsTerminating)) disrupted[entry.Name] = at;
        }

        return disrupted.ToImmutable();
    }

    private static (int Expected, int Desired, string? Failure) Expectation(ObservedBudget seen, System.Text.Json.JsonElement spec, ImmutableArray<PodView> counted)
    {
        // A number of pods that must stay counts the pods there are; a share, or what may be missing, counts those wanted.
        if (spec.Integer("minAvailable") is { } minimum) return (counted.Length, (int)minimum, null);
        var expected = 0;
        foreach (var group in counted.GroupBy(static p => p.Meta.Controller?.Uid ?? "", StringComparer.Ordinal))
        {
            var pod = group.First();
            if (group.Key.Length == 0) return (counted.Length, 0, $"found no controllers for pod \"{pod.Meta.Name}\"");
            if (seen.ScaleOf(pod) is not { } scale) return (counted.Length, 0, $"{pod.Meta.Controller!.Kind.ToLowerInvariant()}s does not implement the scale subresource");
            expected += scale.Replicas;
        }

        if (spec.Has("minAvailable")) return (expected, IntOrPercent.Of(spec.At("minAvailable"), expected, roundUp: true, absent: 0), null);
        return (expected, Math.Max(0, expected - IntOrPercent.Of(spec.At("maxUnavailable"), expected, roundUp: true, absent: 0)), null);
    }
}
