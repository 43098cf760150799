using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Amounts by resource name, <c>pods</c> among them. A handful each, so a list is searched faster than a tree.</summary>
public sealed class ResourceAmounts
{
    private readonly ImmutableArray<(string Resource, Quantity Amount)> _amounts;

    private ResourceAmounts(ImmutableArray<(string, Quantity)> amounts) => _amounts = amounts;

    public static ResourceAmounts None { get; } = new([]);

    public static ResourceAmounts Read(JsonElement list)
    {
        var amounts = None;
        foreach (var entry in list.Members())
        {
            if (Quantity.Read(entry.Value) is { } amount) amounts = amounts.With(entry.Name, amount);
        }

        return amounts;
    }

    public Quantity this[string resource]
    {
        get
        {
            foreach (var entry in _amounts)
            {
                if (entry.Resource == resource) return entry.Amount;
            }

            return default;
        }
    }

    public ImmutableArray<(string Resource, Quantity Amount)>.Enumerator GetEnumerator() => _amounts.GetEnumerator();

    public ResourceAmounts With(string resource, Quantity amount)
    {
        for (var i = 0; i < _amounts.Length; i++)
        {
            if (_amounts[i].Resource == resource) return new(_amounts.SetItem(i, (resource, amount)));
        }

        return new(_amounts.Add((resource, amount)));
    }

    public ResourceAmounts Plus(ResourceAmounts other) => Combine(other, static (a, b) => a + b);

    public ResourceAmounts Minus(ResourceAmounts other) => Combine(other, static (a, b) => a - b);

    /// <summary>The larger amount of each resource.</summary>
    public ResourceAmounts Max(ResourceAmounts other) => Combine(other, Quantity.Max);

    private ResourceAmounts Combine(ResourceAmounts other, Func<Quantity, Quantity, Quantity> combine)
    {
        var amounts = this;
        foreach (var (resource, amount) in other) amounts = amounts.With(resource, combine(this[resource], amount));
        return amounts;
    }
}

/// <summary>What a pod asks of a node.</summary>
public sealed class PodDemand
{
    public PodDemand(PodView pod)
    {
        Pod = pod;
        Requests = RequestsOf(pod.Spec);
        NodeSelector = pod.Spec.TextMap("nodeSelector");
        Tolerations = [.. pod.Spec.Items("tolerations").Select(Toleration.Read)];
        RequiredNodeTerms = pod.Spec.At("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution") is { ValueKind: JsonValueKind.Object } required
            ? [.. required.Items("nodeSelectorTerms").Select(NodeSelectorTerm.Read)]
            : null;
        HostPorts =
        [
            .. pod.Spec.Items("containers").SelectMany(static c => c.Items("ports"))
                .Where(static p => p.Integer("hostPort") > 0)
                .Select(static p => $"{p.Text("protocol") ?? "TCP"}/{p.Integer("hostPort")}"),
        ];
    }

    public PodView Pod { get; }
    public ResourceAmounts Requests { get; }
    public ImmutableDictionary<string, string> NodeSelector { get; }
    public ImmutableArray<Toleration> Tolerations { get; }

    /// <summary>Alternatives, of which one must hold; null when the pod names none, and then any node will do.</summary>
    public ImmutableArray<NodeSelectorTerm>? RequiredNodeTerms { get; }

    public ImmutableArray<string> HostPorts { get; }

    public bool Tolerates(Taint taint) => Tolerations.Any(t => t.Tolerates(taint));

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

        var total = together.Plus(sidecars).Max(peak).Plus(ResourceAmounts.Read(spec.At("overhead")));
        return total.With("pods", Quantity.FromUnits(1));
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

public sealed record Taint(string Key, string Value, string Effect)
{
    public static Taint Read(JsonElement taint) => new(taint.Text("key") ?? "", taint.Text("value") ?? "", taint.Text("effect") ?? "");

    /// <summary>Keeps pods from being placed; PreferNoSchedule only advises.</summary>
    public bool Repels => Effect is "NoSchedule" or "NoExecute";
}

public sealed record Toleration(string Key, string Operator, string Value, string Effect)
{
    public static Toleration Read(JsonElement t) => new(t.Text("key") ?? "", t.Text("operator") ?? "Equal", t.Text("value") ?? "", t.Text("effect") ?? "");

    /// <summary>An empty effect stands for all effects, an empty key with Exists for all taints.</summary>
    public bool Tolerates(Taint taint) =>
        (Effect.Length == 0 || Effect == taint.Effect)
        && (Key.Length == 0 ? Operator == "Exists" : Key == taint.Key)
        && (Operator == "Exists" || Value == taint.Value);
}

/// <summary>One alternative of a required node affinity: all of its expressions must hold.</summary>
public sealed record NodeSelectorTerm(ImmutableArray<LabelRequirement> Labels, ImmutableArray<LabelRequirement> Fields)
{
    public static NodeSelectorTerm Read(JsonElement term) => new(
        [.. term.Items("matchExpressions").Select(Requirement)], [.. term.Items("matchFields").Select(Requirement)]);

    public bool Matches(ObjectMeta node)
    {
        // The API defines an empty term to match nothing.
        if (Labels.IsEmpty && Fields.IsEmpty) return false;
        var fields = ImmutableDictionary<string, string>.Empty.Add("metadata.name", node.Name);
        return Labels.All(r => r.Matches(node.Labels)) && Fields.All(r => r.Matches(fields));
    }

    private static LabelRequirement Requirement(JsonElement e) => new(
        e.Text("key") ?? "",
        e.Text("operator") switch
        {
            "NotIn" => LabelOperator.NotIn,
            "Exists" => LabelOperator.Exists,
            "DoesNotExist" => LabelOperator.DoesNotExist,
            "Gt" => LabelOperator.GreaterThan,
            "Lt" => LabelOperator.LessThan,
            _ => LabelOperator.In,
        },
        [.. e.Items("values").Where(static v => v.ValueKind == JsonValueKind.String).Select(static v => v.GetString()!)]);
}
