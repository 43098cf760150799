using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Role and ClusterRole.</summary>
internal sealed class RoleKind(ResourceKind kind) : KindStrategy
{
    public override ResourceKind Kind => kind;
    public override bool AllowsCreateOnUpdate => true;
    public override ImmutableArray<TableColumn> Columns => [TableColumn.Text("Created At", static r => r.Text("metadata", "creationTimestamp"))];

    /// <summary>RBAC names may hold colons (<c>system:node</c>): anything that can stand in a path.</summary>
    public override ImmutableArray<string> CheckName(string name) => PathSegment.Check(name);

    public override void Default(JsonObject obj) => obj.Default("rules", new JsonArray());

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        foreach (var (index, rule) in obj.Objects("rules"))
        {
            PolicyRules.Validate(rule, $"rules[{index}]", kind.Namespaced, errors);
        }
    }
}
