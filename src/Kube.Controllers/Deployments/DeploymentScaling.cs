using System.Collections.Immutable;

namespace Kube.Controllers;

/// <summary>How many pods each ReplicaSet of a Deployment is to have next. Every step keeps within maxSurge and maxUnavailable.</summary>
internal static class DeploymentScaling
{
    /// <summary>
    /// The size of the set with the new template, as far as the surge allows now. Pods that a smaller size has not taken away yet count: Kubernetes
    /// counts sizes alone and so passes the surge while a set is late with its deletions.
    /// </summary>
    public static int OfNewSet(DeploymentView deployment, ImmutableArray<ReplicaSetView> all, ReplicaSetView? newSet)
    {
        if (deployment.Recreates) return deployment.Replicas;
        var present = newSet?.Replicas ?? 0;
        if (all.Any(static s => !s.IsObserved)) return present;
        var room = deployment.Replicas + deployment.MaxSurge - all.Sum(static s => Math.Max(s.Replicas, s.Present));
        return room <= 0 ? present : present + Math.Min(room, Math.Max(0, deployment.Replicas - present));
    }

    /// <summary>Whether the wanted number of pods has changed since the sets were last scaled.</summary>
    public static bool IsScaled(DeploymentView deployment, ImmutableArray<ReplicaSetView> all) =>
        all.Any(s => s.Replicas > 0 && s.Desired is { } desired && desired != deployment.Replicas);

    public static void Recreate(DeploymentView deployment, ReplicaSetView? newSet, ImmutableArray<ReplicaSetView> old, Func<ReplicaSetView, bool> hasPods, Dictionary<ReplicaSetView, int> scales)
    {
        foreach (var set in old.Where(static s => s.Replicas > 0)) scales[set] = 0;
        if (newSet is not null && scales.Count == 0 && !old.Any(hasPods)) scales[newSet] = deployment.Replicas;
    }

    public static void Roll(DeploymentView deployment, ReplicaSetView? newSet, ImmutableArray<ReplicaSetView> old, ImmutableArray<ReplicaSetView> all, Dictionary<ReplicaSetView, int> scales)
    {
        if (newSet is null) return;
        var wanted = newSet.Replicas > deployment.Replicas ? deployment.Replicas : OfNewSet(deployment, all, newSet);
        if (wanted != newSet.Replicas)
        {
            scales[newSet] = wanted;
            return;
        }

        var mayGo = all.Sum(static s => s.Replicas) - (deployment.Replicas - deployment.MaxUnavailable) - Math.Max(0, newSet.Replicas - newSet.Available);
        if (mayGo <= 0) return;

        // Pods that serve nobody go first, wherever they are.
        foreach (var set in old.Where(static s => s.Replicas > 0))
        {
            var unhealthy = Math.Min(mayGo, Math.Max(0, set.Replicas - set.Available));
            if (unhealthy == 0) continue;
            scales[set] = set.Replicas - unhealthy;
            mayGo -= unhealthy;
        }

        var spare = Math.Min(mayGo, all.Sum(static s => s.Available) - (deployment.Replicas - deployment.MaxUnavailable));
        foreach (var set in old)
        {
            var size = scales.GetValueOrDefault(set, set.Replicas);
            var less = Math.Min(spare, size);
            if (less <= 0) continue;
            scales[set] = size - less;
            spare -= less;
        }
    }

    /// <summary>A new size in the middle of a roll-out: every set gets its share of it.</summary>
    public static void Spread(DeploymentView deployment, ReplicaSetView? newSet, ImmutableArray<ReplicaSetView> old, Dictionary<ReplicaSetView, int> scales)
    {
        List<ReplicaSetView> active = [.. old.Where(static s => s.Replicas > 0)];
        if (newSet is { Replicas: > 0 }) active.Add(newSet);
        if (active.Count <= 1)
        {
            var only = active.Count == 1 ? active[0] : newSet ?? old.LastOrDefault();
            if (only is not null) scales[only] = deployment.Replicas;
            return;
        }

        // The new one has all it needs: what is left of the old goes.
        if (newSet is not null && newSet.Replicas == deployment.Replicas && newSet.Available == deployment.Replicas)
        {
            foreach (var set in old.Where(static s => s.Replicas > 0)) scales[set] = 0;
            return;
        }

        var total = active.Sum(static s => s.Replicas);
        var change = (deployment.Replicas > 0 ? deployment.Replicas + deployment.MaxSurge : 0) - total;
        var left = change;
        // The larger sets first; of equal ones the newer when growing, the older when shrinking.
        active = [.. active.OrderByDescending(static s => s.Replicas).ThenBy(s => change > 0 ? -(s.Meta.CreationTimestamp?.Ticks ?? 0) : s.Meta.CreationTimestamp?.Ticks ?? 0)];
        foreach (var set in active)
        {
            var share = Share(set, deployment, change);
            share = change > 0 ? Math.Min(share, left) : Math.Max(share, left);
            scales[set] = set.Replicas + share;
            left -= share;
        }

        // Rounding leaves a rest, which the largest takes.
        scales[active[0]] = Math.Max(0, scales[active[0]] + left);
    }

    private static int Share(ReplicaSetView set, DeploymentView deployment, int change)
    {
        if (deployment.Replicas == 0) return -set.Replicas;
        var before = (set.Desired ?? deployment.Replicas) is var desired && desired > 0 ? desired + deployment.MaxSurge : set.Replicas;
        var after = (int)Math.Round((double)set.Replicas * (deployment.Replicas + deployment.MaxSurge) / Math.Max(1, before), MidpointRounding.AwayFromZero);
        return change > 0 ? Math.Max(0, after - set.Replicas) : Math.Min(0, after - set.Replicas);
    }
}
