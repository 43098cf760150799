using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ResourceQuotaKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ResourceQuota;
    public override ImmutableArray<string> ShortNames => ["quota"];
    public override bool HasStatus => true;
    public override bool ReturnsDeletedObject => true;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Request", static q => Used(q, limits: false)),
        TableColumn.Text("Limit", static q => Used(q, limits: true)),
        TableColumn.Age,
    ];

    public override void PrepareForCreate(JsonObject obj, WriteContext context) => obj["status"] = new JsonObject();

    public override void Validate(JsonObject obj, List<FieldError> errors) => QuotaRules.Validate(obj, errors);

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        foreach (var member in new[] { "scopes", "scopeSelector" })
        {
            if (!obj.At("spec", member).SameAs(old.At("spec", member))) errors.Add(FieldError.Invalid($"spec.{member}", obj.At("spec", member)?.ToJsonString() ?? "null", "field is immutable"));
        }
    }

    /// <summary>What a quota allows is put into its status, with what is used; in a real cluster a controller does it.</summary>
    public override void Committed(JsonObject? obj, JsonObject? old, WriteContext context)
    {
        if (obj is null || (old is not null && obj.At("spec", "hard").SameAs(old.At("spec", "hard")))) return;
        context.Server.Quotas.Recount(new ObjectKey(obj.Text("metadata", "namespace")!, obj.Text("metadata", "name")!));
    }

    private static string Used(JsonObject quota, bool limits) => string.Join(", ", (quota.Members("status", "hard") ?? [])
        .Where(h => h.Key.StartsWith("limits.", StringComparison.Ordinal) == limits)
        .OrderBy(static h => h.Key, StringComparer.Ordinal)
        .Select(h => $"{h.Key}: {quota.At("status", "used", h.Key).Print()}/{h.Value.Print()}"));
}
