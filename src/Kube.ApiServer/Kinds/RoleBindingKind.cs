using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>RoleBinding and ClusterRoleBinding.</summary>
/// <param name="roles">The kinds of roles that it may bind.</param>
internal sealed class RoleBindingKind(ResourceKind kind, string[] roles) : KindStrategy
{
    private const string Group = "rbac.authorization.k8s.io";

    public override ResourceKind Kind => kind;

    public override bool AllowsCreateOnUpdate => true;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Role", static b => $"{b.Text("roleRef", "kind")}/{b.Text("roleRef", "name")}"),
        TableColumn.Age,
        TableColumn.Wide("Users", static b => Subjects(b, "User")),
        TableColumn.Wide("Groups", static b => Subjects(b, "Group")),
        TableColumn.Wide("ServiceAccounts", static b => Subjects(b, "ServiceAccount")),
    ];

    /// <summary>RBAC names may hold colons (<c>system:node</c>): anything that can stand in a path.</summary>
    public override ImmutableArray<string> CheckName(string name) => PathSegment.Check(name);

    public override void Default(JsonObject obj)
    {
        obj.Object("roleRef").Default("apiGroup", Group);
        foreach (var (_, subject) in obj.Objects("subjects"))
        {
            if (subject.Text("kind") is "User" or "Group") subject.Default("apiGroup", Group);
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        PodSpecRules.OneOf(obj.Object("roleRef"), "apiGroup", "roleRef", [Group], errors);
        PodSpecRules.OneOf(obj.Object("roleRef"), "kind", "roleRef", roles, errors);
        if (string.IsNullOrEmpty(obj.Text("roleRef", "name"))) errors.Add(FieldError.Required("roleRef.name", ""));
        foreach (var (index, subject) in obj.Objects("subjects")) PodSpecRules.OneOf(subject, "kind", $"subjects[{index}]", ["ServiceAccount", "User", "Group"], errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (!obj["roleRef"].SameAs(old["roleRef"])) errors.Add(FieldError.Invalid("roleRef", obj["roleRef"]!.ToJsonString(), "cannot change roleRef"));
    }

    private static string Subjects(JsonObject binding, string kind) => string.Join(", ", binding.Objects("subjects")
        .Where(s => s.Item.Text("kind") == kind)
        .Select(s => kind == "ServiceAccount" ? $"{s.Item.Text("namespace")}/{s.Item.Text("name")}" : s.Item.Text("name")));
}
