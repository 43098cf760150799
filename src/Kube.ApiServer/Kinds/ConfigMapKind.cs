using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ConfigMapKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ConfigMap;
    public override ImmutableArray<string> ShortNames => ["cm"];

    public override ImmutableArray<TableColumn> Columns =>
    [
        TableColumn.Number("Data", static c => (c.Members("data")?.Count ?? 0) + (c.Members("binaryData")?.Count ?? 0)),
        TableColumn.Age,
    ];

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        KeyedData.Validate(obj, "data", errors);
        KeyedData.Validate(obj, "binaryData", errors);
        foreach (var (key, _) in obj.Members("data") ?? [])
        {
            if (obj.Members("binaryData")?.ContainsKey(key) == true) errors.Add(FieldError.Invalid($"data[{key}]", $"\"{key}\"", "duplicate of key present in binaryData"));
        }

        // The object as a whole is too long: kube-apiserver's word for no path.
        KeyedData.CheckSize("[]", KeyedData.TextSize(obj, "data") + KeyedData.Base64Size(obj, "binaryData"), errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors) => KeyedData.CheckImmutable(obj, old, ["data", "binaryData"], errors);
}

/// <summary>The rules that ConfigMaps and Secrets share: their keys become file names.</summary>
internal static class KeyedData
{
    private const int BytesMax = 1024 * 1024;

    public static void Validate(JsonObject obj, string member, List<FieldError> errors)
    {
        foreach (var (key, value) in obj.Members(member) ?? [])
        {
            foreach (var fault in Names.CheckConfigMapKey(key)) errors.Add(FieldError.Invalid($"{member}[{key}]", $"\"{key}\"", fault));
            if (value is not null && value.Text() is null) errors.Add(FieldError.Invalid($"{member}[{key}]", value.ToJsonString(), "must be a string", "put quotes around it"));
        }
    }

    public static int TextSize(JsonObject obj, string member) => obj.TextMap(member).Sum(static p => Encoding.UTF8.GetByteCount(p.Value));

    public static int Base64Size(JsonObject obj, string member) => obj.TextMap(member).Sum(static p => p.Value.Length / 4 * 3);

    public static void CheckSize(string path, int size, List<FieldError> errors)
    {
        if (size > BytesMax) errors.Add(new FieldError(path, FieldErrorKind.TooLong, null, $"may not be more than {BytesMax} bytes"));
    }

    public static void CheckImmutable(JsonObject obj, JsonObject old, string[] members, List<FieldError> errors)
    {
        if (old.Flag("immutable") != true) return;
        if (obj.Flag("immutable") != true) errors.Add(FieldError.Forbidden("immutable", "field is immutable when `immutable` is set"));
        foreach (var member in members)
        {
            if (!obj[member].SameAs(old[member])) errors.Add(FieldError.Forbidden(member, "field is immutable when `immutable` is set"));
        }
    }
}
