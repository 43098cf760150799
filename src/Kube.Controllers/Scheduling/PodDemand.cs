using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>What a pod asks of a node, read once.</summary>
public sealed class PodDemand
{
    private readonly Lazy<string> _signature;

    public PodDemand(PodView pod)
    {
        Pod = pod;
        var spec = pod.Spec;
        Requests = RequestsOf(spec);
        NodeSelector = spec.TextMap("nodeSelector");
        Tolerations = [.. spec.Items("tolerations").Select(Toleration.Read)];
        Priority = (int)(spec.Integer("priority") ?? 0);
        MayPreempt = spec.Text("preemptionPolicy") != "Never";
        HostPorts =
        [
            .. spec.Items("containers").SelectMany(static c => c.Items("ports"))
                .Where(static p => p.Integer("hostPort") > 0)
                .Select(static p => $"{p.Text("protocol") ?? "TCP"}/{p.Integer("hostPort")}"),
        ];
        Claims = [.. pod.Claims];

        var affinity = spec.At("affinity");
        RequiredNodeTerms = affinity.At("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution") is { ValueKind: JsonValueKind.Object } required
            ? [.. required.Items("nodeSelectorTerms").Select(NodeSelectorTerm.Read)]
            : null;
        PreferredNodeTerms = [.. affinity.Items("nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution").Select(static p => ((int)(p.Integer("weight") ?? 0), NodeSelectorTerm.Read(p.At("preference"))))];
        Affinity = Required("podAffinity");
        AntiAffinity = Required("podAntiAffinity");
        PreferredAffinity = [.. Preferred("podAffinity", 1), .. Preferred("podAntiAffinity", -1)];
        Spread = [.. spec.Items("topologySpreadConstraints").Select(c => SpreadConstraint.Read(c, pod))];
        _signature = new Lazy<string>(Sign, LazyThreadSafetyMode.None);

        ImmutableArray<PodAffinityTerm> Required(string member) =>
            [.. affinity.Items(member, "requiredDuringSchedulingIgnoredDuringExecution").Select(t => PodAffinityTerm.Read(t, pod, 0))];

        IEnumerable<PodAffinityTerm> Preferred(string member, int sign) =>
            affinity.Items(member, "preferredDuringSchedulingIgnoredDuringExecution").Select(t => PodAffinityTerm.Read(t.At("podAffinityTerm"), pod, sign * (int)(t.Integer("weight") ?? 0)));
    }

    public PodView Pod { get; }
    public ResourceAmounts Requests { get; }
    public ImmutableDictionary<string, string> NodeSelector { get; }
    public ImmutableArray<Toleration> Tolerations { get; }
    public int Priority { get; }

    /// <summary>Whether it may push out pods of lower priority.</summary>
    public bool MayPreempt { get; }

    /// <summary>Alternatives, of which one must hold; null when the pod names none, and then any node will do.</summary>
    public ImmutableArray<NodeSelectorTerm>? RequiredNodeTerms { get; }

    public ImmutableArray<(int Weight, NodeSelectorTerm Term)> PreferredNodeTerms { get; }

    /// <summary>Pods that must be near.</summary>
    public ImmutableArray<PodAffinityTerm> Affinity { get; }

    /// <summary>Pods that must not be near.</summary>
    public ImmutableArray<PodAffinityTerm> AntiAffinity { get; }

    /// <summary>Pods that had better be near, or (with a negative weight) not.</summary>
    public ImmutableArray<PodAffinityTerm> PreferredAffinity { get; }

    public ImmutableArray<SpreadConstraint> Spread { get; }
    public ImmutableArray<string> HostPorts { get; }

    public ImmutableArray<PodClaim> Claims { get; }

    /// <summary>Whether other pods, and not only their amounts, decide where it may go.</summary>
    public bool LooksAtPods => !Affinity.IsEmpty || !AntiAffinity.IsEmpty || !PreferredAffinity.IsEmpty || !Spread.IsEmpty;

    /// <summary>Equal for pods that fit the same nodes as long as no pod looks at others (<see cref="LooksAtPods"/>).</summary>
    public string Signature => _signature.Value;

    public bool Tolerates(Taint taint)
    {
        foreach (var toleration in Tolerations)
        {
            if (toleration.Tolerates(taint)) return true;
        }

        return false;
    }

    public bool Selects(KubeObject node)
    {
        foreach (var (key, value) in NodeSelector)
        {
            if (!node.Meta.Labels.TryGetValue(key, out var has) || has != value) return false;
        }

        return RequiredNodeTerms is not { } terms || terms.Any(t => t.Matches(node.Meta));
    }

    private string Sign() =>
        $"{Requests};{Priority};{MayPreempt};{string.Join(',', HostPorts)};{Raw("nodeSelector")};{Raw("affinity")};{Raw("tolerations")};{(Claims.IsEmpty ? "" : Pod.Meta.Key.ToString())}";

    private string Raw(string member) => Pod.Spec.At(member) is { ValueKind: not JsonValueKind.Undefined } value ? value.GetRawText() : "";

    // Containers run together, init containers before them one at a time, each beside the sidecars started so far.
    private static ResourceAmounts RequestsOf(JsonElement spec)
    {
        var together = ResourceAmounts.None;
        foreach (var container in spec.Items("containers")) together = together.Plus(Requested(container));
        var sidecars = ResourceAmounts.None;
        var peak = ResourceAmounts.None;
        foreach (var container in spec.Items("initContainers"))
        {
            if (container.Text("restartPolicy") == "Always") sidecars = sidecars.Plus(Requested(container));
            peak = peak.Max(container.Text("restartPolicy") == "Always" ? sidecars : sidecars.Plus(Requested(container)));
        }

        var total = together.Plus(sidecars).Max(peak);
        // Requests of the pod as a whole (spec.resources) take the place of the sums.
        foreach (var (resource, milli) in Requested(spec)) total = total.With(resource, milli);
        return total.Plus(ResourceAmounts.Read(spec.At("overhead"))).With("pods", 1000);
    }

    // A limit without a request is a request: the API server fills it in, but not every object came through one.
    private static ResourceAmounts Requested(JsonElement container)
    {
        var requests = ResourceAmounts.Read(container.At("resources", "requests"));
        var limits = ResourceAmounts.Read(container.At("resources", "limits"));
        foreach (var (resource, limit) in limits)
        {
            if (!container.Has("resources", "requests", resource)) requests = requests.With(resource, limit);
        }

        return requests;
    }
}
