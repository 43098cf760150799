using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class SecretKind : KindStrategy
{
    private const string AccountAnnotation = "kubernetes.io/service-account.name";

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
        var type = obj.Text("type");
        foreach (var key in RequiredKeys(type))
        {
            if (obj.At("data", key) is null) errors.Add(FieldError.Required($"data[{key}]", ""));
            else if (key is ".dockerconfigjson" or ".dockercfg" && !IsJson(obj.Text("data", key))) errors.Add(FieldError.Invalid($"data[{key}]", "\"<secret contents redacted>\"", "unexpected end of JSON input"));
        }

        // Of a name and a password either may be missing, but not both.
        if (type == "kubernetes.io/basic-auth" && obj.At("data", "username") is null && obj.At("data", "password") is null)
        {
            foreach (var key in new[] { "username", "password" }) errors.Add(FieldError.Required($"data[{key}]", ""));
        }

        if (type == "kubernetes.io/service-account-token" && string.IsNullOrEmpty(obj.Text("metadata", "annotations", AccountAnnotation)))
        {
            errors.Add(FieldError.Required($"metadata.annotations[{AccountAnnotation}]", ""));
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        if (obj.Text("type") != old.Text("type")) errors.Add(FieldError.Invalid("type", $"\"{obj.Text("type")}\"", "field is immutable"));
        KeyedData.CheckImmutable(obj, old, ["data"], errors);
    }

    private static bool IsJson(string? base64)
    {
        try
        {
            using var document = JsonDocument.Parse(Convert.FromBase64String(base64 ?? ""));
            return true;
        }
        catch (Exception broken) when (broken is JsonException or FormatException)
        {
            return false;
        }
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
