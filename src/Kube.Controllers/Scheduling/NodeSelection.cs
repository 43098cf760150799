using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

public sealed record Taint(string Key, string Value, string Effect)
{
    public static Taint Read(JsonElement taint) => new(taint.Text("key") ?? "", taint.Text("value") ?? "", taint.Text("effect") ?? "");

    /// <summary>Keeps pods from being placed; PreferNoSchedule only advises.</summary>
    public bool Repels => Effect is "NoSchedule" or "NoExecute";
}

/// <param name="Seconds">How long a NoExecute taint is tolerated; null: for ever.</param>
public sealed record Toleration(string Key, string Operator, string Value, string Effect, long? Seconds = null)
{
    public static Toleration Read(JsonElement t) =>
        new(t.Text("key") ?? "", t.Text("operator") ?? "Equal", t.Text("value") ?? "", t.Text("effect") ?? "", t.Integer("tolerationSeconds"));

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
        if (!Labels.All(r => r.Matches(node.Labels))) return false;
        if (Fields.IsEmpty) return true;
        var fields = ImmutableDictionary<string, string>.Empty.Add("metadata.name", node.Name);
        return Fields.All(r => r.Matches(fields));
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
