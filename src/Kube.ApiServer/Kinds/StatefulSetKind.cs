using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class StatefulSetKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.StatefulSet;
    private static readonly string[] Mutable =
        ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

    public override ImmutableArray<string> ShortNames => ["sts"];
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
    public override ImmutableArray<Subresource> Subresources => [new("scale", "Scale", "autoscaling/v1", ["get", "patch", "update"])];
    public override ScalePaths? Scale => ScalePaths.Workload;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Ready", static s => $"{s.Integer("status", "readyReplicas") ?? 0}/{s.Integer("spec", "replicas") ?? 0}"),
        TableColumn.Age,
        .. PodTemplates.Columns,
    ];

    public override void PrepareForCreate(JsonObject obj, WriteContext context) => obj["status"] = new JsonObject { ["replicas"] = 0, ["availableReplicas"] = 0 };

    public override void Default(JsonObject obj)
    {
        var spec = obj.Object("spec");
        spec.Default("replicas", 1);
        spec.Default("podManagementPolicy", "OrderedReady");
        spec.Default("revisionHistoryLimit", 10);
        var strategy = spec.Object("updateStrategy");
        strategy.Default("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate") strategy.Object("rollingUpdate").Default("partition", 0);
        var retention = spec.Object("persistentVolumeClaimRetentionPolicy");
        retention.Default("whenDeleted", "Retain");
        retention.Default("whenScaled", "Retain");
        foreach (var (_, claim) in spec.Objects("volumeClaimTemplates"))
        {
            claim.Default("kind", "PersistentVolumeClaim");
            claim.Default("apiVersion", "v1");
            claim.Object("spec").Default("volumeMode", "Filesystem");
            claim.Object("status").Default("phase", "Pending");
        }

        PodTemplates.Default(obj);
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var spec = obj.Object("spec");
        if (spec.Text("podManagementPolicy") is var policy and not ("OrderedReady" or "Parallel")) errors.Add(FieldError.Invalid("spec.podManagementPolicy", $"\"{policy}\"", "must be 'OrderedReady' or 'Parallel'"));
        if (spec.Integer("replicas") < 0) errors.Add(PodSpecRules.NotNegative("spec.replicas", spec.Integer("replicas")));
        PodTemplates.ValidateSelector(obj, errors);
        ValidateTemplate(obj, errors);
        PodTemplates.ValidateAlwaysRestarts(obj, errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        var (spec, before) = ((JsonObject)obj.Object("spec").DeepClone(), (JsonObject)old.Object("spec").DeepClone());
        foreach (var member in Mutable)
        {
            spec.Remove(member);
            before.Remove(member);
        }

        if (!spec.SameAs(before))
        {
            errors.Add(FieldError.Forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
        }
    }

    /// <summary>Mounts may name volumes that are made of the claim templates.</summary>
    private static void ValidateTemplate(JsonObject obj, List<FieldError> errors)
    {
        var claims = obj.Objects("spec", "volumeClaimTemplates").Select(static c => $"\"{c.Item.Text("metadata", "name")}\"").ToHashSet(StringComparer.Ordinal);
        var found = new List<FieldError>();
        PodTemplates.Validate(obj, found);
        errors.AddRange(found.Where(e => e.Kind != FieldErrorKind.NotFound || !claims.Contains(e.Value ?? "")));
    }
}
