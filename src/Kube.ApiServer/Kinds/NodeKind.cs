using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class NodeKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Node;
    private const string RolePrefix = "node-role.kubernetes.io/";

    public override ImmutableArray<string> ShortNames => ["no"];
    public override bool HasStatus => true;
    public override ImmutableArray<string> SelectableFields => ["spec.unschedulable"];

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Status", static n => Status(n)),
        TableColumn.Text("Roles", static n => Roles(n)),
        TableColumn.Age,
        TableColumn.Text("Version", static n => n.Text("status", "nodeInfo", "kubeletVersion") ?? ""),
        TableColumn.Wide("Internal-IP", static n => Address(n, "InternalIP")),
        TableColumn.Wide("External-IP", static n => Address(n, "ExternalIP")),
        TableColumn.Wide("OS-Image", static n => n.Text("status", "nodeInfo", "osImage") ?? "<unknown>"),
        TableColumn.Wide("Kernel-Version", static n => n.Text("status", "nodeInfo", "kernelVersion") ?? "<unknown>"),
        TableColumn.Wide("Container-Runtime", static n => n.Text("status", "nodeInfo", "containerRuntimeVersion") ?? "<unknown>"),
    ];

    public override string FieldValue(JsonObject obj, string field) => obj.Flag("spec", "unschedulable") == true ? "true" : "false";

    public override void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        // A node creates itself with its status, as kubelets do.
    }

    public override void Default(JsonObject obj)
    {
        var spec = obj.Object("spec");
        if (spec.Text("podCIDR") is { Length: > 0 } range) spec.Default("podCIDRs", new JsonArray(range));
        if (obj.Members("status", "capacity") is { } capacity && obj.At("status", "allocatable") is null) obj["status"]!["allocatable"] = capacity.DeepClone();
    }

    private static string Status(JsonObject node)
    {
        var ready = node.Objects("status", "conditions").Where(static c => c.Item.Text("type") == "Ready").Select(static c => c.Item.Text("status")).FirstOrDefault();
        var text = ready switch { "True" => "Ready", null => "Unknown", _ => "NotReady" };
        return node.Flag("spec", "unschedulable") == true ? text + ",SchedulingDisabled" : text;
    }

    private static string Roles(JsonObject node)
    {
        var roles = node.TextMap("metadata", "labels").Where(static l => l.Key.StartsWith(RolePrefix, StringComparison.Ordinal))
            .Select(static l => l.Key[RolePrefix.Length..]).Order(StringComparer.Ordinal).ToList();
        return roles.Count == 0 ? "<none>" : string.Join(',', roles);
    }

    private static string Address(JsonObject node, string type) =>
        node.Objects("status", "addresses").Where(a => a.Item.Text("type") == type).Select(static a => a.Item.Text("address")).FirstOrDefault() ?? "<none>";
}
