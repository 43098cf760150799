using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class EndpointsKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Endpoints;
    private const int ShownMax = 3;

    public override ImmutableArray<string> ShortNames => ["ep"];
    public override bool AllowsCreateOnUpdate => true;
    public override ImmutableArray<TableColumn> Columns => [TableColumn.Text("Endpoints", static e => Addresses(e)), TableColumn.Age];

    public override void Default(JsonObject obj)
    {
        foreach (var (_, subset) in obj.Objects("subsets"))
        {
            foreach (var (_, port) in subset.Objects("ports")) port.Default("protocol", "TCP");
        }
    }

    private static string Addresses(JsonObject endpoints)
    {
        var all = new List<string>();
        foreach (var (_, subset) in endpoints.Objects("subsets"))
        {
            var ports = subset.Objects("ports").Select(static p => $":{p.Item.Integer("port")}").DefaultIfEmpty("").ToList();
            foreach (var (_, address) in subset.Objects("addresses")) all.AddRange(ports.Select(p => address.Text("ip") + p));
        }

        if (all.Count == 0) return "<none>";
        return all.Count <= ShownMax ? string.Join(',', all) : $"{string.Join(',', all.Take(ShownMax))} + {all.Count - ShownMax} more...";
    }
}
