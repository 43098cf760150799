using System.Collections.Immutable;

namespace Kube.Nodes.Linux;

/// <summary>What a node of this machine is given.</summary>
public sealed record LinuxNodeOptions
{
    /// <summary>The Node's name; pods with this <c>spec.nodeName</c> run here.</summary>
    public required string Name { get; init; }

    /// <summary>Folders named <c>images</c> in which stand-ins are looked for, in order.</summary>
    public ImmutableArray<string> ImageSearchPath { get; init; } = [];

    /// <summary>Where the output of stand-ins' builds is kept between runs.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>Folders or files of this machine that stand-ins may mount by name.</summary>
    public ImmutableDictionary<string, string> ProgramMounts { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>
    /// CPUs that the Node offers; null for the machine's. Jobs written for a cluster ask for more than a laptop has, and here they share
    /// what there is, so a generous number is no lie about anything that is enforced.
    /// </summary>
    public int? Cpus { get; init; }

    /// <summary>Bytes of memory that the Node offers; null for the machine's. Not enforced.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Further resources that the Node offers, such as <c>nvidia.com/gpu</c>. Not enforced.</summary>
    public ImmutableDictionary<string, string> ExtendedResources { get; init; } = ImmutableDictionary<string, string>.Empty;

    public int PodsAtMost { get; init; } = 1000;

    public ImmutableDictionary<string, string> Labels { get; init; } = ImmutableDictionary<string, string>.Empty;

    public ClusterNetwork Network { get; init; } = ClusterNetwork.Default;

    /// <summary>What the names of pods and Services end with: the kubelet's <c>clusterDomain</c>.</summary>
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>The machine's folders that pods see read-only; those that do not exist are left out.</summary>
    public ImmutableArray<string> SystemFolders { get; init; } = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/opt", "/nix", "/gnu"];

    /// <summary>Null: the best that this user can have.</summary>
    public SandboxMode? Mode { get; init; }

    /// <summary>A folder of this machine for the volumes of claims, which then need not fit into memory; null keeps them there.</summary>
    public string? ClaimsFolder { get; init; }

    /// <summary>How often the Node says that it lives.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How much of each container's log is kept.</summary>
    public LogBounds Logs { get; init; } = LogBounds.Kubelet;

    /// <summary>Processes and threads that one pod may have, where the machine counts them: the kubelet's <c>podPidsLimit</c>. Null for as many as the machine has.</summary>
    public long? PodPidsLimit { get; init; }
}

/// <summary>Something that the person who runs the node should see.</summary>
public sealed record NodeNotice(bool IsWarning, string Text);
