using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// How rules see what a schema describes: its type, and a JSON value as a value of that type. Only what the schema names is
/// seen; of <c>metadata</c> only <c>name</c> and <c>generateName</c>.
/// </summary>
internal static class CelSchema
{
    private static readonly FrozenSet<string> Keywords = new[]
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly Schema Name = new() { Type = "string" };

    private static readonly Schema ResourceMetadata = new()
    {
        Type = "object",
        Properties = ImmutableDictionary<string, Schema>.Empty.Add("name", Name).Add("generateName", Name),
    };

    /// <param name="isResource">Whether it is a whole object, or one embedded: those have apiVersion, kind and metadata whatever the schema says.</param>
    public static CelType TypeOf(Schema schema, bool isResource)
    {
        if (schema.IntOrString) return CelType.Any;
        return schema.Type switch
        {
            "boolean" => CelType.Bool,
            "integer" => CelType.Int,
            "number" => CelType.Double,
            "string" => schema.Format switch
            {
                "date-time" or "date" => CelType.Timestamp,
                "duration" => CelType.Duration,
                "byte" => CelType.Bytes,
                _ => CelType.Text,
            },
            "array" => new CelType.ListOf(schema.Items is { } item ? TypeOf(item, item.EmbeddedResource) : CelType.Any),
            "object" when schema.AdditionalProperties is { } value && schema.Properties.IsEmpty => new CelType.MapOf(TypeOf(value, value.EmbeddedResource)),
            "object" => new CelType.ObjectOf(Members(schema, isResource).ToImmutableDictionary(static m => Escape(m.Key), static m => TypeOf(m.Value, m.Value.EmbeddedResource), StringComparer.Ordinal)),
            _ => CelType.Any,
        };
    }

    public static CelValue ValueOf(JsonNode? value, Schema schema, bool isResource) => value switch
    {
        null => CelValue.Null.Value,
        JsonObject members when schema.Type == "object" && !(schema.AdditionalProperties is not null && schema.Properties.IsEmpty) => new CelValue.Map(Entries(members, schema, isResource)),
        JsonObject members => new CelValue.Map(members.ToDictionary(static m => m.Key, m => ValueOf(m.Value, schema.AdditionalProperties ?? Schema.Anything, false), StringComparer.Ordinal)),
        JsonArray items => new CelValue.List([.. items.Select(i => ValueOf(i, schema.Items ?? Schema.Anything, schema.Items?.EmbeddedResource == true))], schema.ListType is "set" or "map"),
        _ => Scalar(value, schema),
    };

    /// <summary>A member's name as rules write it: CEL's names hold no dots, dashes and slashes, and some words are taken.</summary>
    public static string Escape(string name)
    {
        if (Keywords.Contains(name)) return $"__{name}__";
        if (!name.AsSpan().ContainsAny(".-/") && !name.Contains("__", StringComparison.Ordinal)) return name;
        var escaped = new StringBuilder(name).Replace("__", "__underscores__").Replace(".", "__dot__").Replace("-", "__dash__").Replace("/", "__slash__");
        return escaped.ToString();
    }

    private static Dictionary<string, CelValue> Entries(JsonObject members, Schema schema, bool isResource)
    {
        var entries = new Dictionary<string, CelValue>(StringComparer.Ordinal);
        foreach (var (name, inner) in Members(schema, isResource))
        {
            if (members.TryGetPropertyValue(name, out var value) && (value is not null || inner.Nullable)) entries[Escape(name)] = ValueOf(value, inner, inner.EmbeddedResource);
        }

        return entries;
    }

    private static IEnumerable<KeyValuePair<string, Schema>> Members(Schema schema, bool isResource)
    {
        if (!isResource) return schema.Properties;
        return schema.Properties.SetItem("apiVersion", Name).SetItem("kind", Name).SetItem("metadata", ResourceMetadata);
    }

    private static CelValue Scalar(JsonNode value, Schema schema)
    {
        if (value.Flag() is { } flag) return new CelValue.Bool(flag);
        if (value.Text() is { } text)
        {
            return (schema.Type == "string" ? schema.Format : "") switch
            {
                "date-time" or "date" => CelTimes.ReadTime(text) ?? new CelValue.Text(text),
                "duration" => CelTimes.ReadDuration(text) ?? new CelValue.Text(text),
                "byte" when Convert.TryFromBase64String(text, new byte[text.Length], out _) => new CelValue.Bytes(Convert.FromBase64String(text)),
                _ => new CelValue.Text(text),
            };
        }

        if (schema.Type != "number" && value.Integer() is { } whole) return new CelValue.Int(whole);
        return SchemaValidation.Number(value) is { } number ? new CelValue.Double((double)number) : CelValue.Null.Value;
    }
}
