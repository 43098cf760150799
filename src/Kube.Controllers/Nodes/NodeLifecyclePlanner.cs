using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <param name="Lease">The node's heartbeat; null for a node that sends none.</param>
/// <param name="SilentSince">Since when the lease has not moved, by this controller's own clock.</param>
public sealed record ObservedNode(KubeObject Node, KubeObject? Lease, DateTimeOffset SilentSince, DateTimeOffset Now);

/// <param name="Conditions">The node's conditions when they are to change; null otherwise.</param>
/// <param name="Taints">The node's taints when they are to change; null otherwise.</param>
/// <param name="IsLost">Nothing is heard of it.</param>
/// <param name="Again">When its silence becomes too long.</param>
public sealed record NodePlan(JsonArray? Conditions, JsonArray? Taints, bool IsLost, DateTimeOffset? Again);

/// <summary>
/// Decides what a node's heartbeat and conditions mean for its pods: a node that is silent is Unknown, and one that is not ready
/// gets the taints that keep pods away and, after what they tolerate, throw them out. Pure.
/// </summary>
/// <remarks>A node without a lease is taken at its word: a pretending node need not send thousands of heartbeats to stay alive.</remarks>
public static class NodeLifecyclePlanner
{
    /// <summary>As the node lifecycle controller of Kubernetes waits (--node-monitor-grace-period).</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(50);

    private const string NotReady = "node.kubernetes.io/not-ready";
    private const string Unreachable = "node.kubernetes.io/unreachable";
    private const string Unschedulable = "node.kubernetes.io/unschedulable";

    private static readonly ImmutableArray<(string Condition, string Taint)> Pressures =
    [
        ("MemoryPressure", "node.kubernetes.io/memory-pressure"), ("DiskPressure", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "node.kubernetes.io/pid-pressure"), ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
    ];

    public static NodePlan Plan(ObservedNode seen)
    {
        var isLost = seen.Lease is not null && seen.SilentSince + Grace <= seen.Now;
        var status = seen.Node.Root.At("status");
        var conditions = isLost ? Unknown(seen) : null;
        var ready = isLost ? "Unknown" : Types.Conditions.Find(status, "Ready")?.Status ?? "Unknown";

        var wanted = new List<(string Key, string Effect)>();
        if (ready == "False") wanted.AddRange([(NotReady, "NoSchedule"), (NotReady, "NoExecute")]);
        if (ready == "Unknown" && (isLost || status.Items("conditions").Any())) wanted.AddRange([(Unreachable, "NoSchedule"), (Unreachable, "NoExecute")]);
        if (seen.Node.Root.Flag("spec", "unschedulable") == true) wanted.Add((Unschedulable, "NoSchedule"));
        wanted.AddRange(Pressures.Where(p => Types.Conditions.IsTrue(status, p.Condition)).Select(static p => (p.Taint, "NoSchedule")));
        return new NodePlan(conditions, Taints(seen, wanted), isLost, seen.Lease is null || isLost ? null : seen.SilentSince + Grace);
    }

    private static JsonArray? Unknown(ObservedNode seen)
    {
        var conditions = seen.Node.Root.At("status", "conditions").ToTree() as JsonArray ?? [];
        var isChanged = false;
        foreach (var type in new[] { "Ready", "MemoryPressure", "DiskPressure", "PIDPressure" })
        {
            isChanged |= Types.Conditions.Set(conditions, new Condition(type, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."), seen.Now);
        }

        return isChanged ? conditions : null;
    }

    /// <summary>The node's own taints stay; of ours those that no longer hold go.</summary>
    private static JsonArray? Taints(ObservedNode seen, List<(string Key, string Effect)> wanted)
    {
        var ours = Pressures.Select(static p => p.Taint).Concat([NotReady, Unreachable, Unschedulable]).ToHashSet(StringComparer.Ordinal);
        var present = seen.Node.Root.Items("spec", "taints").ToList();
        var kept = present.Where(t => !ours.Contains(t.Text("key") ?? "") || wanted.Contains((t.Text("key")!, t.Text("effect") ?? ""))).ToList();
        var missing = wanted.Where(w => !kept.Any(t => t.Text("key") == w.Key && t.Text("effect") == w.Effect)).ToList();
        if (missing.Count == 0 && kept.Count == present.Count) return null;
        var taints = new JsonArray([.. kept.Select(static t => t.ToTree())]);
        foreach (var (key, effect) in missing)
        {
            var taint = new JsonObject { ["key"] = key, ["effect"] = effect };
            if (effect == "NoExecute") taint["timeAdded"] = KubeTime.Format(seen.Now);
            taints.Add((JsonNode)taint);
        }

        return taints;
    }
}
