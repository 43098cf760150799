using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Nodes.Virtual;

/// <summary>A node that exists in the API alone.</summary>
/// <param name="Name">The Node object's name and its label <c>kubernetes.io/hostname</c>.</param>
public sealed record VirtualNodeSpec(string Name)
{
    /// <summary>Capacity and allocatable at once, by resource name, extended resources included.</summary>
    public ImmutableSortedDictionary<string, string> Allocatable { get; init; } = ImmutableSortedDictionary<string, string>.Empty
        .Add("cpu", "64").Add("memory", "256Gi").Add("ephemeral-storage", "100Gi").Add("pods", "110");

    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>As they stand in <c>spec.taints</c>.</summary>
    public ImmutableArray<(string Key, string Value, string Effect)> Taints { get; init; } = [];

    /// <summary>Many alike, named with a number: <c>prefix0</c>, <c>prefix1</c> and so on.</summary>
    public static ImmutableArray<VirtualNodeSpec> Many(string prefix, int count, ImmutableSortedDictionary<string, string>? allocatable = null) =>
        [.. Enumerable.Range(0, count).Select(i => allocatable is null ? new VirtualNodeSpec($"{prefix}{i}") : new VirtualNodeSpec($"{prefix}{i}") { Allocatable = allocatable })];

    internal JsonObject ToTree(string ip, DateTimeOffset now)
    {
        var labels = Labels.SetItem("kubernetes.io/hostname", Name).SetItem("kubernetes.io/os", "linux").SetItem("kubernetes.io/arch", "amd64");
        var spec = new JsonObject();
        if (!Taints.IsEmpty) spec["taints"] = new JsonArray([.. Taints.Select(static t => new JsonObject { ["key"] = t.Key, ["value"] = t.Value, ["effect"] = t.Effect })]);
        return new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject { ["name"] = Name, ["labels"] = labels.ToTree() },
            ["spec"] = spec,
            ["status"] = new JsonObject
            {
                ["capacity"] = Allocatable.ToTree(),
                ["allocatable"] = Allocatable.ToTree(),
                ["addresses"] = new JsonArray(Address("InternalIP", ip), Address("Hostname", Name)),
                ["conditions"] = new JsonArray(new JsonObject
                {
                    ["type"] = "Ready",
                    ["status"] = "True",
                    ["reason"] = "KubeletReady",
                    ["message"] = "the node is virtual and always ready",
                    ["lastHeartbeatTime"] = KubeTime.Format(now),
                    ["lastTransitionTime"] = KubeTime.Format(now),
                }),
                ["nodeInfo"] = new JsonObject { ["kubeletVersion"] = "virtual", ["operatingSystem"] = "linux", ["architecture"] = "amd64" },
            },
        };

        static JsonObject Address(string type, string address) => new() { ["type"] = type, ["address"] = address };
    }
}
