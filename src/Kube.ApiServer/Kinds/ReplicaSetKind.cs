using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ReplicaSetKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ReplicaSet;
    public override ImmutableArray<string> ShortNames => ["rs"];
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
    public override ImmutableArray<string> SelectableFields => ["status.replicas"];
    public override ImmutableArray<Subresource> Subresources => [new("scale", "Scale", "autoscaling/v1", ["get", "patch", "update"])];
    public override ScalePaths? Scale => ScalePaths.Workload;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Number("Desired", static r => r.Integer("spec", "replicas") ?? 0),
        TableColumn.Number("Current", static r => r.Integer("status", "replicas") ?? 0),
        TableColumn.Number("Ready", static r => r.Integer("status", "readyReplicas") ?? 0),
        TableColumn.Age,
        .. PodTemplates.Columns,
        PodTemplates.SelectorColumn,
    ];

    public override void PrepareForCreate(JsonObject obj, WriteContext context) => obj["status"] = new JsonObject { ["replicas"] = 0 };

    public override void Default(JsonObject obj)
    {
        obj.Object("spec").Default("replicas", 1);
        PodTemplates.Default(obj);
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (obj.Integer("spec", "replicas") < 0) errors.Add(PodSpecRules.NotNegative("spec.replicas", obj.Integer("spec", "replicas")));
        PodTemplates.ValidateSelector(obj, errors);
        PodTemplates.Validate(obj, errors);
        PodTemplates.ValidateAlwaysRestarts(obj, errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (!obj.At("spec", "selector").SameAs(old.At("spec", "selector"))) errors.Add(FieldError.Invalid("spec.selector", obj.At("spec", "selector")?.ToJsonString() ?? "null", "field is immutable"));
    }
}
