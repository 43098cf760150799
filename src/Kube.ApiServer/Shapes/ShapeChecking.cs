using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What decoding into a typed object does in kube-apiserver: refuse wrong types, find and drop unknown members, write quantities in one form.</summary>
internal static class ShapeChecking
{
    /// <summary>The first value of a wrong type, in the words of Go's JSON decoder; null when there is none.</summary>
    public static string? FindMistyped(JsonObject obj, Shape shape) => Check(obj, new ShapeType("", shape, null, null), shape.Name, "");

    public static void FindUnknown(JsonObject obj, Shape shape, List<string> paths) => Walk(obj, new ShapeType("", shape, null, null), "", paths);

    /// <summary>Removes unknown members and nulls, and writes quantities in their canonical form. The types must be right.</summary>
    public static void Normalize(JsonObject obj, Shape shape) => Normalize(obj, new ShapeType("", shape, null, null));

    private static string? Check(JsonNode? value, ShapeType type, string owner, string path)
    {
        if (value is null) return null;
        switch (type)
        {
            case { Shape: { } shape }:
                if (value is not JsonObject members) return Mistyped(value, type, owner, path);
                foreach (var (name, inner) in members)
                {
                    if (!shape.Members.TryGetValue(name, out var member)) continue;
                    if (Check(inner, member.Type, shape.Name, path.Length == 0 ? name : $"{path}.{name}") is { } fault) return fault;
                }

                return null;
            case { ListOf: { } item }:
                if (value is not JsonArray items) return Mistyped(value, type, owner, path);
                return items.Select(i => Check(i, item, owner, path)).FirstOrDefault(static f => f is not null);
            case { MapOf: { } entry }:
                if (value is not JsonObject map) return Mistyped(value, type, owner, path);
                return map.Select(e => Check(e.Value, entry, owner, path)).FirstOrDefault(static f => f is not null);
            default:
                return CheckScalar(value, type, owner, path);
        }
    }

    private static string? CheckScalar(JsonNode value, ShapeType type, string owner, string path)
    {
        var text = value.Text();
        switch (type.Scalar)
        {
            case "string":
                return text is null ? Mistyped(value, type, owner, path) : null;
            case "bool":
                return value.Flag() is null ? Mistyped(value, type, owner, path) : null;
            case "int32":
                return value.Integer() is >= int.MinValue and <= int.MaxValue ? null : Mistyped(value, type, owner, path);
            case "int64" or "int":
                return value.Integer() is null ? Mistyped(value, type, owner, path) : null;
            case "float64":
                return SchemaValidation.Number(value) is null ? Mistyped(value, type, owner, path) : null;
            case "IntOrString":
                return text is null && value.Integer() is null ? Mistyped(value, type, owner, path) : null;
            case "bytes":
                if (text is null) return Mistyped(value, type, owner, path);
                return Convert.TryFromBase64String(text, new byte[text.Length], out _) ? null : $"illegal base64 data at input byte {FirstNonBase64(text)}";
            case "Time" or "MicroTime":
                if (text is null) return Mistyped(value, type, owner, path);
                return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _) ? null : $"parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": it is no RFC 3339 time";
            case "Quantity":
                if (text is null && SchemaValidation.Number(value) is null) return Mistyped(value, type, owner, path);
                return Quantity.TryParse(value.Print(), out _, out var broken) ? null : broken;
            default:
                return null;
        }
    }

    private static string Mistyped(JsonNode value, ShapeType type, string owner, string path)
    {
        var kind = value.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number => type.Scalar is "int32" or "int64" ? $"number {value.ToJsonString()}" : "number",
            JsonValueKind.True or JsonValueKind.False => "bool",
            JsonValueKind.Array => "array",
            _ => "object",
        };
        return $"json: cannot unmarshal {kind} into Go struct field {owner[(owner.LastIndexOf('.') + 1)..]}.{path} of type {type.GoName}";
    }

    private static int FirstNonBase64(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(text[i]) && text[i] is not ('+' or '/' or '=')) return i;
        }

        return text.Length;
    }

    private static void Walk(JsonNode? value, ShapeType type, string path, List<string> unknown)
    {
        switch (value, type)
        {
            case (JsonObject members, { Shape: { } shape }):
                foreach (var (name, inner) in members)
                {
                    var at = path.Length == 0 ? name : $"{path}.{name}";
                    if (shape.Members.TryGetValue(name, out var member)) Walk(inner, member.Type, at, unknown);
                    else if (path.Length > 0 || name is not ("apiVersion" or "kind")) unknown.Add(at);
                }

                break;
            case (JsonArray items, { ListOf: { } item }):
                for (var i = 0; i < items.Count; i++) Walk(items[i], item, $"{path}[{i}]", unknown);
                break;
            case (JsonObject map, { MapOf: { } entry }):
                foreach (var (name, inner) in map) Walk(inner, entry, $"{path}.{name}", unknown);
                break;
        }
    }

    private static void Normalize(JsonNode? value, ShapeType type, bool isRoot = true)
    {
        switch (value, type)
        {
            case (JsonObject members, { Shape: { } shape }):
                foreach (var (name, inner) in members.ToList())
                {
                    if (isRoot && name is "apiVersion" or "kind") continue;
                    if (inner is null || !shape.Members.TryGetValue(name, out var member)) members.Remove(name);
                    else if (member.Type.Scalar == "Quantity") members[name] = Canonical(inner);
                    else Normalize(inner, member.Type, isRoot: false);
                }

                break;
            case (JsonArray items, { ListOf: { } item }):
                foreach (var inner in items) Normalize(inner, item, isRoot: false);
                break;
            case (JsonObject map, { MapOf: { } entry }):
                foreach (var (name, inner) in map.ToList())
                {
                    if (entry.Scalar == "Quantity" && inner is not null) map[name] = Canonical(inner);
                    else Normalize(inner, entry, isRoot: false);
                }

                break;
        }
    }

    /// <summary>1000m is written 1, and 1024Mi is written 1Gi.</summary>
    private static JsonNode Canonical(JsonNode quantity) =>
        Quantity.TryParse(quantity.Print(), out var parsed, out _) ? JsonValue.Create(parsed.ToString())! : quantity.DeepClone();
}
