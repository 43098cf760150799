using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class DeploymentKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Deployment;
    public override ImmutableArray<string> ShortNames => ["deploy"];
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
    public override ImmutableArray<Subresource> Subresources => [new("scale", "Scale", "autoscaling/v1", ["get", "patch", "update"])];
    public override ScalePaths? Scale => ScalePaths.Workload;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Ready", static d => $"{d.Integer("status", "readyReplicas") ?? 0}/{d.Integer("spec", "replicas") ?? 0}"),
        TableColumn.Text("Up-to-date", static d => $"{d.Integer("status", "updatedReplicas") ?? 0}"),
        TableColumn.Text("Available", static d => $"{d.Integer("status", "availableReplicas") ?? 0}"),
        TableColumn.Age,
        .. PodTemplates.Columns,
        PodTemplates.SelectorColumn,
    ];

    public override void Default(JsonObject obj)
    {
        var spec = obj.Object("spec");
        spec.Default("replicas", 1);
        spec.Default("revisionHistoryLimit", 10);
        spec.Default("progressDeadlineSeconds", 600);
        var strategy = spec.Object("strategy");
        strategy.Default("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate")
        {
            strategy.Object("rollingUpdate").Default("maxUnavailable", "25%");
            strategy.Object("rollingUpdate").Default("maxSurge", "25%");
        }

        PodTemplates.Default(obj);
    }

    public override void PrepareForCreate(JsonObject obj, WriteContext context) => obj["status"] = new JsonObject();

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
