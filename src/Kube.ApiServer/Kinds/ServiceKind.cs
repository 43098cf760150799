using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ServiceKind(ServiceAddresses addresses) : KindStrategy
{
    private const int AffinitySeconds = 3 * 60 * 60;

    public override ResourceKind Kind => Kinds.Service;
    public override ImmutableArray<string> ShortNames => ["svc"];
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool ReturnsDeletedObject => true;
    public override bool AllowsCreateOnUpdate => true;
    public override ImmutableArray<string> SelectableFields => ["spec.clusterIP", "spec.type"];
    public override ImmutableArray<string> CheckName(string name) => Names.CheckDns1035Label(name);

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Type", static s => s.Text("spec", "type")),
        TableColumn.Text("Cluster-IP", static s => s.Text("spec", "clusterIP") is { Length: > 0 } ip ? ip : "<none>"),
        TableColumn.Text("External-IP", static s => ExternalAddress(s)),
        TableColumn.Text("Port(s)", static s => Ports(s)),
        TableColumn.Age,
        TableColumn.Wide("Selector", static s => s.Members("spec", "selector") is { Count: > 0 } ? string.Join(',', s.TextMap("spec", "selector").OrderBy(static p => p.Key, StringComparer.Ordinal).Select(static p => $"{p.Key}={p.Value}")) : "<none>"),
    ];

    public override void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        obj["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
    }

    public override void PrepareForUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        var (spec, before) = (obj.Object("spec"), old.Object("spec"));
        Default(obj);
        // A client that leaves out what was allocated does not give it back.
        if (UsesClusterAddress(spec) && UsesClusterAddress(before) && string.IsNullOrEmpty(spec.Text("clusterIP")))
        {
            spec["clusterIP"] = before["clusterIP"]?.DeepClone();
            spec["clusterIPs"] = before["clusterIPs"]?.DeepClone();
        }

        foreach (var member in new[] { "ipFamilies", "ipFamilyPolicy" })
        {
            if (UsesClusterAddress(spec) && spec[member] is null && before[member] is { } kept) spec[member] = kept.DeepClone();
        }

        foreach (var (_, port) in spec.Objects("ports"))
        {
            var same = before.Objects("ports").FirstOrDefault(p => p.Item.Text("name") == port.Text("name")).Item;
            if (UsesNodePorts(spec) && port.Integer("nodePort") is null or 0 && same.Integer("nodePort") is { } number) port["nodePort"] = number;
        }
    }

    public override void Default(JsonObject obj)
    {
        var spec = obj.Object("spec");
        spec.Default("type", "ClusterIP");
        spec.Default("sessionAffinity", "None");
        if (spec.Text("sessionAffinity") == "ClientIP") spec.Object("sessionAffinityConfig").Object("clientIP").Default("timeoutSeconds", AffinitySeconds);
        else if (spec.Text("sessionAffinity") == "None") spec.Remove("sessionAffinityConfig");
        foreach (var (_, port) in spec.Objects("ports"))
        {
            port.Default("protocol", "TCP");
            if (port["targetPort"] is null or JsonValue && port.Integer("targetPort") is null or 0 && string.IsNullOrEmpty(port.Text("targetPort")) && port["port"] is { } number)
            {
                port["targetPort"] = number.DeepClone();
            }
        }

        if (spec.Text("type") == "ExternalName") return;
        spec.Default("internalTrafficPolicy", "Cluster");
        if (UsesNodePorts(spec)) spec.Default("externalTrafficPolicy", "Cluster");
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var spec = obj.Object("spec");
        if (spec.Text("clusterIP") is { Length: > 0 } ip && ip != "None" && !IsAddress(ip))
        {
            // kube-apiserver looks for an address first, and at the rest when it has one.
            errors.Add(FieldError.Invalid("spec.clusterIPs[0]", $"\"{ip}\"", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
            return;
        }

        PodSpecRules.OneOf(spec, "type", "spec", ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], errors);
        PodSpecRules.OneOf(spec, "sessionAffinity", "spec", ["ClientIP", "None"], errors);
        var headless = spec.Text("clusterIP") == "None";
        var ports = spec.Objects("ports").ToList();
        if (ports.Count == 0 && !headless && spec.Text("type") != "ExternalName") errors.Add(FieldError.Required("spec.ports", ""));
        if (spec.Text("type") == "ExternalName" && string.IsNullOrEmpty(spec.Text("externalName"))) errors.Add(FieldError.Required("spec.externalName", ""));
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, port) in ports) ValidatePort(port, $"spec.ports[{index}]", ports.Count > 1, names, errors);
        ObjectMetadata.Labels(spec["selector"], "spec.selector", errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        var (spec, before) = (obj.Object("spec"), old.Object("spec"));
        if (UsesClusterAddress(spec) && UsesClusterAddress(before) && before.Text("clusterIP") is { Length: > 0 } was && spec.Text("clusterIP") != was)
        {
            errors.Add(FieldError.Invalid("spec.clusterIPs[0]", $"[\"{spec.Text("clusterIP")}\"]", "may not change once set"));
        }
    }

    public override void Release(JsonObject obj) => addresses.Release(obj);

    public override void Allocate(JsonObject obj, WriteContext context)
    {
        var spec = obj.Object("spec");
        if (UsesClusterAddress(spec))
        {
            spec.Default("ipFamilies", new JsonArray("IPv4"));
            spec.Default("ipFamilyPolicy", "SingleStack");
            if (string.IsNullOrEmpty(spec.Text("clusterIP"))) spec["clusterIP"] = addresses.TakeAddress(context);
            else if (spec.Text("clusterIP") != "None") addresses.Claim(spec.Text("clusterIP")!, obj, context);
            spec["clusterIPs"] = new JsonArray(spec.Text("clusterIP"));
        }
        else
        {
            spec.Remove("clusterIP");
            spec.Remove("clusterIPs");
        }

        if (!UsesNodePorts(spec)) return;
        foreach (var (_, port) in spec.Objects("ports"))
        {
            if ((port.Integer("nodePort") ?? 0) == 0) port["nodePort"] = addresses.TakeNodePort(context);
        }
    }

    private static void ValidatePort(JsonObject port, string at, bool needsName, HashSet<string> names, List<FieldError> errors)
    {
        var name = port.Text("name") ?? "";
        if (name.Length == 0 && needsName) errors.Add(FieldError.Required($"{at}.name", ""));
        else if (name.Length > 0 && !names.Add(name)) errors.Add(FieldError.Duplicate($"{at}.name", name));
        else if (name.Length > 0) PodSpecRules.Name(name, $"{at}.name", Names.CheckDns1123Label(name), errors);
        if (port.Integer("port") is not (>= 1 and <= 65535)) errors.Add(FieldError.Invalid($"{at}.port", $"{port.Integer("port") ?? 0}", "must be between 1 and 65535, inclusive"));
        if (port.Integer("targetPort") is { } target and not (>= 1 and <= 65535)) errors.Add(FieldError.Invalid($"{at}.targetPort", $"{target}", "must be between 1 and 65535, inclusive"));
        PodSpecRules.OneOf(port, "protocol", at, ["SCTP", "TCP", "UDP"], errors);
    }

    /// <summary>.NET also takes <c>1.2.3</c>, which means 1.2.0.3 to it and nothing to Kubernetes.</summary>
    private static bool IsAddress(string text) => System.Net.IPAddress.TryParse(text, out var ip) && (text.Contains(':', StringComparison.Ordinal) || ip.ToString() == text);

    private static bool UsesClusterAddress(JsonObject spec) => spec.Text("type") != "ExternalName";

    private static bool UsesNodePorts(JsonObject spec) => spec.Text("type") is "NodePort" or "LoadBalancer";

    private static string ExternalAddress(JsonObject service) => service.Text("spec", "type") switch
    {
        "ExternalName" => service.Text("spec", "externalName") ?? "",
        "LoadBalancer" when !service.Objects("status", "loadBalancer", "ingress").Any() => "<pending>",
        "LoadBalancer" => string.Join(',', service.Objects("status", "loadBalancer", "ingress").Select(static i => i.Item.Text("ip") ?? i.Item.Text("hostname"))),
        _ when service.Texts("spec", "externalIPs").Any() => string.Join(',', service.Texts("spec", "externalIPs")),
        _ => "<none>",
    };

    private static string Ports(JsonObject service)
    {
        var ports = service.Objects("spec", "ports")
            .Select(static p => p.Item.Integer("nodePort") is { } node and > 0 ? $"{p.Item.Integer("port")}:{node}/{p.Item.Text("protocol")}" : $"{p.Item.Integer("port")}/{p.Item.Text("protocol")}")
            .ToList();
        return ports.Count == 0 ? "<none>" : string.Join(',', ports);
    }
}
