using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class EndpointSliceKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.EndpointSlice;
    private const int ShownMax = 3;

    public override bool HasGeneration => true;

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("AddressType", static s => s.Text("addressType")),
        TableColumn.Text("Ports", static s => Some(s.Objects("ports").Select(static p => p.Item.Integer("port")?.ToString() ?? "*"), "<unset>")),
        TableColumn.Text("Endpoints", static s => Some(s.Objects("endpoints").SelectMany(static e => e.Item.Texts("addresses")), "<unset>")),
        TableColumn.Age,
    ];

    public override void Default(JsonObject obj)
    {
        foreach (var (_, port) in obj.Objects("ports"))
        {
            port.Default("name", "");
            port.Default("protocol", "TCP");
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (string.IsNullOrEmpty(obj.Text("addressType"))) errors.Add(FieldError.Required("addressType", ""));
        else PodSpecRules.OneOf(obj, "addressType", "", ["FQDN", "IPv4", "IPv6"], errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (obj.Text("addressType") != old.Text("addressType")) errors.Add(FieldError.Invalid("addressType", $"\"{obj.Text("addressType")}\"", "field is immutable"));
    }

    public override bool ChangesGeneration(JsonObject obj, JsonObject old) => !obj["endpoints"].SameAs(old["endpoints"]) || !obj["ports"].SameAs(old["ports"]);

    private static string Some(IEnumerable<string> items, string none)
    {
        var all = items.ToList();
        if (all.Count == 0) return none;
        return all.Count <= ShownMax ? string.Join(',', all) : $"{string.Join(',', all.Take(ShownMax))} + {all.Count - ShownMax} more...";
    }
}
