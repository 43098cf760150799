using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class SecretKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Secret;
    public override ImmutableArray<string> SelectableFields => ["type"];

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Text("Type", static s => s.Text("type")),
        TableColumn.Number("Data", static s => s.Members("data")?.Count ?? 0),
        TableColumn.Age,
    ];

    /// <summary>Fills in the type and moves <c>stringData</c>, which is write-only, into <c>data</c>.</summary>
    public override void Default(JsonObject obj)
    {
        if (string.IsNullOrEmpty(obj.Text("type"))) obj["type"] = "Opaque";
        if (obj["stringData"] is JsonObject { Count: > 0 })
        {
            var data = obj.Object("data");
            foreach (var (key, value) in obj.TextMap("stringData")) data[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(value));
        }

        obj.Remove("stringData");
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        KeyedData.Validate(obj, "data", errors);
        KeyedData.CheckSize("data", KeyedData.Base64Size(obj, "data"), errors);
        foreach (var key in RequiredKeys(obj.Text("type")))
        {
            if (obj.At("data", key) is null) errors.Add(FieldError.Required($"data[{key}]", ""));
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (obj.Text("type") != old.Text("type")) errors.Add(FieldError.Invalid("type", $"\"{obj.Text("type")}\"", "field is immutable"));
        KeyedData.CheckImmutable(obj, old, ["data"], errors);
    }

    private static string[] RequiredKeys(string? type) => type switch
    {
        "kubernetes.io/tls" => ["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => [".dockerconfigjson"],
        "kubernetes.io/dockercfg" => [".dockercfg"],
        "kubernetes.io/ssh-auth" => ["ssh-privatekey"],
        _ => [],
    };
}
