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

    private static string Used(JsonObject quota, bool limits) => string.Join(", ", (quota.Members("status", "hard") ?? [])
        .Where(h => h.Key.StartsWith("limits.", StringComparison.Ordinal) == limits)
        .OrderBy(static h => h.Key, StringComparer.Ordinal)
        .Select(h => $"{h.Key}: {quota.At("status", "used", h.Key).Print()}/{h.Value.Print()}"));
}
