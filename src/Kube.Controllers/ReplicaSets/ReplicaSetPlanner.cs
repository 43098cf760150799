using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <param name="Pods">The pods the set controls, without those whose deletion was asked for already.</param>
/// <param name="Leaving">How many pods of it are on their way out.</param>
public sealed record ObservedReplicaSet(ReplicaSetView Set, ImmutableArray<PodView> Pods, int Leaving, DateTimeOffset Now);

/// <param name="Create">How many pods to make.</param>
/// <param name="Delete">Pods to delete, those first that lose the least.</param>
/// <param name="Again">When time alone will change the decision.</param>
public sealed record ReplicaSetPlan(int Create, ImmutableArray<PodView> Delete, JsonObject Status, DateTimeOffset? Again);

/// <summary>Keeps as many pods as a ReplicaSet wants. Pure.</summary>
public static class ReplicaSetPlanner
{
    // Kubernetes' own limit on one pass.
    private const int PodsPerPassMax = 500;

    public static ReplicaSetPlan Plan(ObservedReplicaSet seen)
    {
        var set = seen.Set;
        ImmutableArray<PodView> active = [.. seen.Pods.Where(static p => p.IsActive)];
        var difference = set.Meta.DeletionTimestamp is null ? set.Replicas - active.Length : 0;
        ImmutableArray<PodView> surplus = difference >= 0 ? [] : [.. Cheapest(active, seen).Take(Math.Min(-difference, PodsPerPassMax))];
        return new ReplicaSetPlan(Math.Clamp(difference, 0, PodsPerPassMax), surplus, Status(seen, active), active.NextAvailable(set.MinReady, seen.Now));
    }

    /// <summary>The order of Kubernetes: not placed, not running, not ready, cheap by its own word, crowded, young, restarted often.</summary>
    private static IEnumerable<PodView> Cheapest(ImmutableArray<PodView> active, ObservedReplicaSet seen)
    {
        var onNode = active.GroupBy(static p => p.NodeName, StringComparer.Ordinal).ToDictionary(static g => g.Key, static g => g.Count(), StringComparer.Ordinal);
        return active
            .OrderBy(static p => p.NodeName.Length > 0)
            .ThenBy(static p => p.Phase == "Running")
            .ThenBy(static p => p.IsReady)
            .ThenBy(static p => int.TryParse(p.Meta.Annotations.GetValueOrDefault("controller.kubernetes.io/pod-deletion-cost"), CultureInfo.InvariantCulture, out var cost) ? cost : 0)
            .ThenByDescending(p => onNode[p.NodeName])
            .ThenByDescending(static p => p.ReadySince() ?? DateTimeOffset.MaxValue)
            .ThenByDescending(static p => p.RestartCount)
            .ThenByDescending(static p => p.Meta.CreationTimestamp)
            .ThenByDescending(static p => p.Meta.Name, StringComparer.Ordinal);
    }

    private static JsonObject Status(ObservedReplicaSet seen, ImmutableArray<PodView> active)
    {
        var set = seen.Set;
        var labels = set.Template.TextMap("metadata", "labels");
        var status = set.Status.ToTree() as JsonObject ?? [];
        status["replicas"] = active.Length;
        status.SetUnlessZero("fullyLabeledReplicas", active.Count(p => labels.All(l => p.Meta.Labels.GetValueOrDefault(l.Key) == l.Value)));
        status.SetUnlessZero("readyReplicas", active.Count(static p => p.IsReady));
        status.SetUnlessZero("availableReplicas", active.Count(p => p.IsAvailable(set.MinReady, seen.Now)));
        status["terminatingReplicas"] = seen.Leaving;
        status["observedGeneration"] = set.Meta.Generation;
        return status;
    }

    /// <summary>The condition ReplicaFailure, set while pods cannot be made or deleted.</summary>
    public static JsonObject WithFailure(JsonObject status, string? reason, string message, DateTimeOffset now)
    {
        var conditions = status.Array("conditions");
        if (reason is not null) Conditions.Set(conditions, new Condition("ReplicaFailure", "True", reason, message), now);
        else
        {
            foreach (var old in conditions.OfType<JsonObject>().Where(static c => (string?)c["type"] == "ReplicaFailure").ToList()) conditions.Remove(old);
        }

        if (conditions.Count == 0) status.Remove("conditions");
        return status;
    }
}
