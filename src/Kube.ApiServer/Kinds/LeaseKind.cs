using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class LeaseKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Lease;
    public override bool AllowsCreateOnUpdate => true;
    public override ImmutableArray<TableColumn> Columns => [TableColumn.Text("Holder", static l => l.Text("spec", "holderIdentity") ?? ""), TableColumn.Age];

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (obj.Integer("spec", "leaseDurationSeconds") <= 0) errors.Add(FieldError.Invalid("spec.leaseDurationSeconds", $"{obj.Integer("spec", "leaseDurationSeconds")}", "must be greater than 0"));
        if (obj.Integer("spec", "leaseTransitions") < 0) errors.Add(PodSpecRules.NotNegative("spec.leaseTransitions", obj.Integer("spec", "leaseTransitions")));
    }
}
