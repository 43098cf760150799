using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class PodDisruptionBudgetKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.PodDisruptionBudget;
    public override ImmutableArray<string> ShortNames => ["pdb"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Min Available", static p => p.At("spec", "minAvailable") is { } min ? min.Print() : "N/A"),
        TableColumn.Text("Max Unavailable", static p => p.At("spec", "maxUnavailable") is { } max ? max.Print() : "N/A"),
        TableColumn.Number("Allowed Disruptions", static p => p.Integer("status", "disruptionsAllowed") ?? 0),
        TableColumn.Age,
    ];

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (obj.At("spec", "minAvailable") is not null && obj.At("spec", "maxUnavailable") is not null)
        {
            errors.Add(FieldError.Invalid("spec", "\"\"", "minAvailable and maxUnavailable cannot be both set"));
        }

        foreach (var member in new[] { "minAvailable", "maxUnavailable" })
        {
            if (obj.Integer("spec", member) is { } number and < 0) errors.Add(PodSpecRules.NotNegative($"spec.{member}", number));
        }
    }
}
