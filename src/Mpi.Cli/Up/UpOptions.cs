using System.Collections.Immutable;
using System.Globalization;

namespace Mpi.Cli;

/// <summary>What a background cluster is asked to be.</summary>
public sealed record UpOptions
{
    /// <summary>The kubeconfig that it is added to; null for where kubectl looks.</summary>
    public string? Kubeconfig { get; init; }

    public int VirtualNodes { get; init; }

    /// <summary>What each virtual node offers, by resource.</summary>
    public ImmutableSortedDictionary<string, string> VirtualNodeResources { get; init; } = ResourceList.Empty;

    /// <summary>What this machine's node pretends to have, by resource.</summary>
    public ImmutableSortedDictionary<string, string> Pretended { get; init; } = ResourceList.Empty;

    /// <summary>How many processes one pod may have; null for as many as the machine has.</summary>
    public int? PodPidsLimit { get; init; }

    /// <summary>What the names of pods and Services end with; null for a cluster's usual one.</summary>
    public string? ClusterDomain { get; init; }

    /// <summary>Folders of image stand-ins, searched before those that come with the program.</summary>
    public ImmutableArray<string> Images { get; init; } = [];

    /// <summary>The command line's words that say the same; empty for the defaults.</summary>
    public ImmutableArray<string> ToArguments()
    {
        var words = ImmutableArray.CreateBuilder<string>();
        if (Kubeconfig is { } file) words.AddRange("--kubeconfig", file);
        if (VirtualNodes > 0) words.AddRange("--virtual-nodes", VirtualNodes.ToString(CultureInfo.InvariantCulture));
        if (!VirtualNodeResources.IsEmpty) words.AddRange("--virtual-node-resources", ResourceList.Text(VirtualNodeResources));
        foreach (var (name, amount) in Pretended) words.AddRange("--pretend-resource", $"{name}={amount}");
        if (PodPidsLimit is { } pids) words.AddRange("--pod-pids-limit", pids.ToString(CultureInfo.InvariantCulture));
        if (ClusterDomain is { } domain) words.AddRange("--cluster-domain", domain);
        foreach (var folder in Images) words.AddRange("--images", folder);
        return words.ToImmutable();
    }
}
