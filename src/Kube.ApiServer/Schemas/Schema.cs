using System.Collections.Immutable;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Kube.ApiServer;

/// <summary>
/// A structural schema (<c>openAPIV3Schema</c> of a CustomResourceDefinition), read once and then immutable. What it says is
/// carried out by <see cref="SchemaPruning"/>, <see cref="SchemaDefaulting"/> and <see cref="SchemaValidation"/>.
/// </summary>
internal sealed record Schema
{
    /// <summary>Empty where any type goes.</summary>
    public string Type { get; init; } = "";

    public string Format { get; init; } = "";
    public string Description { get; init; } = "";
    public ImmutableDictionary<string, Schema> Properties { get; init; } = ImmutableDictionary<string, Schema>.Empty;

    /// <summary>Of members that are not among the properties; null when there may be none.</summary>
    public Schema? AdditionalProperties { get; init; }

    public Schema? Items { get; init; }
    public ImmutableArray<string> Required { get; init; } = [];
    public ImmutableArray<JsonNode?> Enum { get; init; } = [];
    public JsonNode? Default { get; init; }
    public bool Nullable { get; init; }
    public bool IntOrString { get; init; }
    public bool PreservesUnknown { get; init; }
    public bool EmbeddedResource { get; init; }
    public decimal? Minimum { get; init; }
    public decimal? Maximum { get; init; }
    public bool ExclusiveMinimum { get; init; }
    public bool ExclusiveMaximum { get; init; }
    public decimal? MultipleOf { get; init; }
    public long? MinLength { get; init; }
    public long? MaxLength { get; init; }
    public Regex? Pattern { get; init; }
    public long? MinItems { get; init; }
    public long? MaxItems { get; init; }
    public bool UniqueItems { get; init; }
    public long? MinProperties { get; init; }
    public long? MaxProperties { get; init; }
    public ImmutableArray<Schema> AllOf { get; init; } = [];
    public ImmutableArray<Schema> AnyOf { get; init; } = [];
    public ImmutableArray<Schema> OneOf { get; init; } = [];
    public Schema? Not { get; init; }

    /// <summary><c>atomic</c>, <c>set</c> or <c>map</c>; empty means atomic.</summary>
    public string ListType { get; init; } = "";

    public ImmutableArray<string> ListMapKeys { get; init; } = [];

    /// <summary><c>granular</c> or <c>atomic</c>; empty means granular.</summary>
    public string MapType { get; init; } = "";

    /// <summary>The <c>x-kubernetes-validations</c> of this place.</summary>
    public ImmutableArray<ValidationRule> Rules { get; init; } = [];

    /// <summary>Whether there are rules here or further in.</summary>
    public bool HasRules { get; private init; }

    /// <summary>What matches anything and loses nothing.</summary>
    public static readonly Schema Anything = new() { PreservesUnknown = true };

    /// <param name="isResource">Whether it describes a whole object, which has metadata whatever the schema says.</param>
    public static Schema Read(JsonNode? tree, bool isResource = false)
    {
        var schema = ReadShape(tree);
        var rules = tree.At("x-kubernetes-validations") is JsonArray ? ValidationRule.Read(tree!, CelSchema.TypeOf(schema, isResource || schema.EmbeddedResource), "", null) : [];
        var inner = schema.Properties.Values.Append(schema.AdditionalProperties).Append(schema.Items).Any(static s => s is { HasRules: true });
        return rules.IsEmpty && !inner ? schema : schema with { Rules = rules, HasRules = true };
    }

    private static Schema ReadShape(JsonNode? tree) => tree is not JsonObject ? Anything : new Schema
    {
        Type = tree.Text("type") ?? "",
        Format = tree.Text("format") ?? "",
        Description = tree.Text("description") ?? "",
        Properties = tree.Members("properties") is { } properties
            ? properties.ToImmutableDictionary(static p => p.Key, static p => Read(p.Value), StringComparer.Ordinal)
            : ImmutableDictionary<string, Schema>.Empty,
        AdditionalProperties = tree.At("additionalProperties") switch
        {
            JsonObject given => Read(given),
            JsonValue allowed when allowed.TryGetValue<bool>(out var any) && any => Anything,
            _ => null,
        },
        Items = tree.At("items") is JsonObject items ? Read(items) : null,
        Required = [.. tree.Texts("required")],
        Enum = tree.At("enum") is JsonArray values ? [.. values.Select(static v => v?.DeepClone())] : [],
        Default = tree.At("default")?.DeepClone(),
        Nullable = tree.Flag("nullable") == true,
        IntOrString = tree.Flag("x-kubernetes-int-or-string") == true,
        PreservesUnknown = tree.Flag("x-kubernetes-preserve-unknown-fields") == true,
        EmbeddedResource = tree.Flag("x-kubernetes-embedded-resource") == true,
        Minimum = Number(tree, "minimum"),
        Maximum = Number(tree, "maximum"),
        ExclusiveMinimum = tree.Flag("exclusiveMinimum") == true,
        ExclusiveMaximum = tree.Flag("exclusiveMaximum") == true,
        MultipleOf = Number(tree, "multipleOf"),
        MinLength = tree.Integer("minLength"),
        MaxLength = tree.Integer("maxLength"),
        Pattern = tree.Text("pattern") is { } pattern ? new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking) : null,
        MinItems = tree.Integer("minItems"),
        MaxItems = tree.Integer("maxItems"),
        UniqueItems = tree.Flag("uniqueItems") == true,
        MinProperties = tree.Integer("minProperties"),
        MaxProperties = tree.Integer("maxProperties"),
        AllOf = Several(tree, "allOf"),
        AnyOf = Several(tree, "anyOf"),
        OneOf = Several(tree, "oneOf"),
        Not = tree.At("not") is JsonObject not ? Read(not) : null,
        ListType = tree.Text("x-kubernetes-list-type") ?? "",
        ListMapKeys = [.. tree.Texts("x-kubernetes-list-map-keys")],
        MapType = tree.Text("x-kubernetes-map-type") ?? "",
    };

    private static ImmutableArray<Schema> Several(JsonNode tree, string member) => [.. tree.Objects(member).Select(static s => Read(s.Item))];

    private static decimal? Number(JsonNode tree, string member) => SchemaValidation.Number(tree.At(member));
}
