using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Checks a value against a schema, in the words of kube-apiserver. On updates, what did not change is not checked again, so
/// that an object stored under an older schema stays writable (Kubernetes' validation ratcheting).
/// </summary>
internal sealed class SchemaValidation(List<FieldError> errors)
{
    public static void Validate(JsonObject obj, JsonObject? old, Schema schema, List<FieldError> errors)
    {
        var validation = new SchemaValidation(errors);
        // The root's own three members are checked by the rules for all objects.
        validation.Check(obj, old, schema, "", isResource: true);
    }

    public static List<FieldError> Validate(JsonNode? value, Schema schema, string path)
    {
        var errors = new List<FieldError>();
        new SchemaValidation(errors).Check(value, null, schema, path, isResource: false);
        return errors;
    }

    private void Check(JsonNode? value, JsonNode? old, Schema schema, string path, bool isResource)
    {
        if (old is not null && value.SameAs(old)) return;
        if (value is null)
        {
            if (!schema.Nullable) errors.Add(Wrong(path, schema, "null"));
            return;
        }

        if (!HasType(value, schema))
        {
            errors.Add(Wrong(path, schema, TypeOf(value)));
            return;
        }

        CheckEnum(value, schema, path);
        switch (value)
        {
            case JsonObject members:
                CheckMembers(members, old as JsonObject, schema, path, isResource);
                break;
            case JsonArray items:
                CheckItems(items, old as JsonArray, schema, path);
                break;
            default:
                if (value.Text() is { } text) CheckText(text, schema, path);
                else if (Number(value) is { } number) CheckNumber(number, value, schema, path);
                break;
        }

        CheckLogic(value, schema, path);
    }

    private void CheckMembers(JsonObject members, JsonObject? old, Schema schema, string path, bool isResource)
    {
        foreach (var name in schema.Required)
        {
            if (!members.ContainsKey(name)) errors.Add(FieldError.Required(Join(path, name), ""));
        }

        if (members.Count < schema.MinProperties) errors.Add(FieldError.Invalid(path, $"{members.Count}", $"{path} in body should have at least {schema.MinProperties} properties"));
        if (members.Count > schema.MaxProperties) errors.Add(new FieldError(path, FieldErrorKind.TooMany, $"{members.Count}", $"must have at most {schema.MaxProperties} items"));
        foreach (var (name, value) in members)
        {
            if (isResource && name is "apiVersion" or "kind" or "metadata") continue;
            if (schema.Properties.TryGetValue(name, out var property)) Check(value, old?[name], property, Join(path, name), property.EmbeddedResource);
            else if (schema.AdditionalProperties is { } additional) Check(value, old?[name], additional, Join(path, name), additional.EmbeddedResource);
        }
    }

    private void CheckItems(JsonArray items, JsonArray? old, Schema schema, string path)
    {
        if (items.Count < schema.MinItems) errors.Add(FieldError.Invalid(path, $"{items.Count}", $"{path} in body should have at least {schema.MinItems} items"));
        if (items.Count > schema.MaxItems) errors.Add(new FieldError(path, FieldErrorKind.TooMany, $"{items.Count}", $"must have at most {schema.MaxItems} items"));
        if (schema.ListType is "map" or "set" || schema.UniqueItems) CheckUnique(items, schema, path);
        if (schema.Items is not { } item) return;
        for (var i = 0; i < items.Count; i++)
        {
            // Items are told apart only in a list of type map; elsewhere a change of the list checks all of it.
            var before = schema.ListType == "map" ? old?.FirstOrDefault(o => Key(o, schema) == Key(items[i], schema)) : null;
            Check(items[i], before, item, $"{path}[{i}]", item.EmbeddedResource);
        }
    }

    private void CheckUnique(JsonArray items, Schema schema, string path)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++)
        {
            var key = Key(items[i], schema);
            if (!seen.Add(key)) errors.Add(new FieldError($"{path}[{i}]", FieldErrorKind.Duplicate, key, ""));
        }
    }

    private static string Key(JsonNode? item, Schema schema)
    {
        if (schema.ListType != "map" || item is not JsonObject members) return item?.ToJsonString() ?? "null";
        var key = new JsonObject();
        foreach (var name in schema.ListMapKeys.Order(StringComparer.Ordinal)) key[name] = members[name]?.DeepClone();
        return key.ToJsonString();
    }

    private void CheckEnum(JsonNode value, Schema schema, string path)
    {
        if (schema.Enum.IsEmpty || schema.Enum.Any(e => e.SameAs(value))) return;
        errors.Add(new FieldError(path, FieldErrorKind.NotSupported, value.ToJsonString(), $"supported values: {string.Join(", ", schema.Enum.Select(static e => e?.ToJsonString() ?? "null"))}"));
    }

    private void CheckText(string text, Schema schema, string path)
    {
        var length = new StringInfo(text).LengthInTextElements;
        if (length < schema.MinLength) errors.Add(FieldError.Invalid(path, Quoted(text), $"{path} in body should be at least {schema.MinLength} chars long"));
        if (length > schema.MaxLength) errors.Add(new FieldError(path, FieldErrorKind.TooLong, null, $"may not be more than {schema.MaxLength} bytes"));
        if (schema.Pattern is { } pattern && !pattern.IsMatch(text)) errors.Add(FieldError.Invalid(path, Quoted(text), $"{path} in body should match '{pattern}'"));
        if (!HasFormat(text, schema.Format)) errors.Add(FieldError.Invalid(path, Quoted(text), $"{path} in body must be of type {schema.Format}: {Quoted(text)}"));
    }

    private void CheckNumber(decimal number, JsonNode value, Schema schema, string path)
    {
        var text = value.ToJsonString();
        if (schema.Minimum is { } min && (number < min || (schema.ExclusiveMinimum && number == min)))
        {
            errors.Add(FieldError.Invalid(path, text, $"{path} in body should be greater than {(schema.ExclusiveMinimum ? "" : "or equal to ")}{min}"));
        }

        if (schema.Maximum is { } max && (number > max || (schema.ExclusiveMaximum && number == max)))
        {
            errors.Add(FieldError.Invalid(path, text, $"{path} in body should be less than {(schema.ExclusiveMaximum ? "" : "or equal to ")}{max}"));
        }

        if (schema.MultipleOf is { } step && step != 0 && number % step != 0) errors.Add(FieldError.Invalid(path, text, $"{path} in body should be a multiple of {step}"));
        var fits = schema.Format switch
        {
            "int32" => number is >= int.MinValue and <= int.MaxValue,
            "int64" => number is >= long.MinValue and <= long.MaxValue,
            _ => true,
        };
        if (!fits) errors.Add(FieldError.Invalid(path, text, $"Checked value must be of type {schema.Type} with format {schema.Format}"));
    }

    private void CheckLogic(JsonNode value, Schema schema, string path)
    {
        foreach (var all in schema.AllOf) Check(value, null, all, path, isResource: false);
        if (!schema.AnyOf.IsEmpty && !schema.AnyOf.Any(s => Matches(value, s, path)))
        {
            errors.Add(FieldError.Invalid(path, Quoted(""), $"{Quoted(path)} must validate at least one schema (anyOf)"));
        }

        if (!schema.OneOf.IsEmpty && schema.OneOf.Count(s => Matches(value, s, path)) is var matching and not 1)
        {
            errors.Add(FieldError.Invalid(path, Quoted(""), $"{Quoted(path)} must validate one and only one schema (oneOf). Found {(matching == 0 ? "none" : matching.ToString())} valid"));
        }

        if (schema.Not is { } not && Matches(value, not, path)) errors.Add(FieldError.Invalid(path, Quoted(""), $"{Quoted(path)} must not validate the schema (not)"));
    }

    private static bool Matches(JsonNode value, Schema schema, string path) => Validate(value, schema, path).Count == 0;

    private static bool HasType(JsonNode value, Schema schema)
    {
        if (schema.IntOrString) return value.Text() is not null || IsWhole(value);
        return schema.Type switch
        {
            "object" => value is JsonObject,
            "array" => value is JsonArray,
            "string" => value.Text() is not null,
            "boolean" => value.Flag() is not null,
            "integer" => IsWhole(value),
            "number" => Number(value) is not null,
            _ => true,
        };
    }

    private static bool IsWhole(JsonNode value) => Number(value) is { } number && number == Math.Truncate(number);

    private static bool HasFormat(string text, string format) => format switch
    {
        "date-time" => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "byte" => Convert.TryFromBase64String(text, new byte[text.Length], out _),
        "uuid" => Guid.TryParseExact(text, "D", out _),
        "ipv4" => System.Net.IPAddress.TryParse(text, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork,
        "ipv6" => System.Net.IPAddress.TryParse(text, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6,
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
        _ => true,
    };

    internal static decimal? Number(JsonNode? value)
    {
        if (value is not JsonValue scalar || scalar.GetValueKind() != JsonValueKind.Number) return null;
        return decimal.TryParse(scalar.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static string TypeOf(JsonNode value) => value switch
    {
        JsonObject => "object",
        JsonArray => "array",
        _ when value.Text() is not null => "string",
        _ when value.Flag() is not null => "boolean",
        _ => IsWhole(value) ? "integer" : "number",
    };

    private static FieldError Wrong(string path, Schema schema, string type)
    {
        var wanted = schema.IntOrString ? "integer,string" : schema.Type;
        return FieldError.TypeInvalid(path, Quoted(type), $"{path} in body must be of type {wanted}: {Quoted(type)}");
    }

    private static string Quoted(string text) => $"\"{text}\"";

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
