using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Kube.Controllers;
using Kube.Nodes.Virtual;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>What the local cluster only pretends: devices of this machine, and nodes with their pods.</summary>
public static class Pretending
{
    /// <summary>Label and taint of such nodes: real work stays on the real node unless a pod selects and tolerates them.</summary>
    public const string Mark = "kubempi.dev/virtual";

    /// <summary>Annotation of a pod: for how many seconds it pretends to run before it ends.</summary>
    public const string SecondsAnnotation = "kubempi.dev/pretend-seconds";

    /// <summary>Annotation of a pod: the exit code that it pretends to end with.</summary>
    public const string ExitCodeAnnotation = "kubempi.dev/pretend-exit-code";

    private const int SecondsByDefault = 10;

    /// <param name="resources">What each node offers beyond the defaults, or instead of them.</param>
    public static ImmutableArray<VirtualNodeSpec> Nodes(int count, IReadOnlyDictionary<string, string> resources) =>
    [
        .. VirtualNodeSpec.Many("virtual-", count).Select(node => node with
        {
            Allocatable = node.Allocatable.SetItems(resources),
            Labels = node.Labels.SetItem(Mark, "true"),
            Taints = [(Mark, "true", "NoSchedule")],
        }),
    ];

    /// <summary>Addresses beside those of real pods (10.244.0.0/16) and of Services (10.96.0.0/16).</summary>
    internal static VirtualNodeOptions Options(ImmutableArray<VirtualNodeSpec> nodes) =>
        new(nodes) { Heartbeat = TimeSpan.FromSeconds(10), PodRange = IPNetwork.Parse("10.245.0.0/16"), NodeRange = IPNetwork.Parse("10.246.0.0/16") };

    internal static PretendedResourcesOptions Resources(LocalClusterOptions options) => new()
    {
        Node = LocalCluster.NodeName,
        Fixed = options.PretendedResources,
        GoesElsewhere = static demand => demand.NodeSelector.ContainsKey(Mark),
        Report = (resource, amount) => options.Notice($"this machine pretends {amount} {resource}, which pods ask for (--pretend-resource {resource}=COUNT sets how many, 0 for none)"),
    };

    /// <summary>A pod of a Job ends after a while, as its program would; any other one runs until it is deleted, as a server does.</summary>
    internal static PodScript Script(PodView pod)
    {
        var annotations = pod.Meta.Annotations;
        var told = annotations.TryGetValue(SecondsAnnotation, out var text) && double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds < int.MaxValue
            ? seconds
            : (double?)null;
        var code = annotations.TryGetValue(ExitCodeAnnotation, out var number) && byte.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var exit) ? exit : (byte)0;
        var ends = told is not null || pod.Meta.Controller is { Kind: "Job" };
        return ends ? PodScript.RunsFor(TimeSpan.FromSeconds(told ?? SecondsByDefault), code) : PodScript.RunsForever;
    }
}
