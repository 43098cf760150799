using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>A state that a StatefulSet has had, to go back to: <c>kubectl rollout history</c> and <c>undo</c> read them.</summary>
internal sealed class ControllerRevisionKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ControllerRevision;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Controller", static r => Controller(r)),
        TableColumn.Number("Revision", static r => r.Integer("revision") ?? 0),
        TableColumn.Age,
    ];

    public override void Default(JsonObject obj) => obj.Default("revision", 0);

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (obj.Integer("revision") < 0) errors.Add(PodSpecRules.NotNegative("revision", obj.Integer("revision")));
        if (obj["data"] is null) errors.Add(FieldError.Required("data", "data is mandatory"));
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (!obj["data"].SameAs(old["data"])) errors.Add(FieldError.Invalid("data", "null", "field is immutable"));
    }

    private static string Controller(JsonObject revision)
    {
        foreach (var (_, owner) in revision.Objects("metadata", "ownerReferences"))
        {
            if (owner.Flag("controller") != true) continue;
            var group = (owner.Text("apiVersion") ?? "").Split('/') is [var name, _] ? $".{name}" : "";
            return $"{owner.Text("kind")?.ToLowerInvariant()}{group}/{owner.Text("name")}";
        }

        return "<none>";
    }
}
