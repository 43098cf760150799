using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// The schema of the stored version, read from its definition. An API server does not judge what a conversion gives it, but refuses any later
/// write of an object that breaks the schema, be it of status: so what is converted is fitted to the schema first.
/// </summary>
internal sealed class HubSchema
{
    /// <summary>Deeper than this nothing opaque may reach, so that the whole object stays within <see cref="JsonLimits.DepthMax"/>.</summary>
    private const int DepthMax = JsonLimits.DepthMax - 8;

    private readonly Node _root;

    private HubSchema(Node root) => _root = root;

    public static HubSchema V2Beta1 { get; } = Read(CustomResources.MpiJobs());

    /// <summary>
    /// What the schema admits of a body (an object without apiVersion, kind and metadata), its defaults filled in. What the schema does not know is
    /// left out without a word, as an API server prunes it; what it refuses is left out, too, and told as a fault.
    /// </summary>
    public JsonObject Fit(JsonElement body, Action<FieldError>? fault = null) => (JsonObject)Fit(body, _root, "", 1, fault ?? (static _ => { }))!;

    private static JsonNode? Fit(JsonElement value, Node schema, string path, int depth, Action<FieldError> fault)
    {
        if (value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined) return null;
        switch (schema.Type)
        {
            case "object" when value.ValueKind == JsonValueKind.Object:
                return FitObject(value, schema, path, depth, fault);
            case "array" when value.ValueKind == JsonValueKind.Array:
                return FitList(value, schema, path, depth, fault);
            case "string" when value.ValueKind == JsonValueKind.String && schema.Admits(value.GetString()!):
            case "boolean" when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
            case "integer" when value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && (schema.Format != "int32" || number is >= int.MinValue and <= int.MaxValue):
            case "" when schema.IsIntegerOrText && (value.ValueKind == JsonValueKind.String ? schema.Admits(value.GetString()!) : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _)):
                return value.ToTree();
            default:
                fault(Fault(value, schema, path));
                return null;
        }
    }

    private static JsonObject? FitObject(JsonElement value, Node schema, string path, int depth, Action<FieldError> fault)
    {
        var fitted = new JsonObject();
        foreach (var member in value.EnumerateObject())
        {
            var known = schema.Properties.GetValueOrDefault(member.Name);
            var at = known is not null ? path.Length == 0 ? member.Name : $"{path}.{member.Name}" : $"{path}[{member.Name}]";
            if ((known ?? schema.Additional) is { } inner)
            {
                if (Fit(member.Value, inner, at, depth + 1, fault) is { } kept) fitted[member.Name] = kept;
            }
            else if (schema.KeepsUnknown)
            {
                if (DepthOf(member.Value) + depth <= DepthMax) fitted[member.Name] = member.Value.ToTree();
                else fault(FieldError.Invalid(at, "{...}", "is nested too deeply"));
            }
        }

        foreach (var (name, property) in schema.Properties)
        {
            if (property.Default is { } standard && !fitted.ContainsKey(name)) fitted[name] = standard.ToTree();
        }

        foreach (var name in schema.Required)
        {
            if (fitted.ContainsKey(name)) continue;
            // A member that is there and unfit has been told already.
            if (!value.Has(name)) fault(FieldError.Required($"{path}.{name}", "must be given"));
            return null;
        }

        return fitted;
    }

    private static JsonArray? FitList(JsonElement value, Node schema, string path, int depth, Action<FieldError> fault)
    {
        var (fitted, keys) = (new JsonArray(), new HashSet<string>(StringComparer.Ordinal));
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var one = Fit(item, schema.Items!, string.Create(CultureInfo.InvariantCulture, $"{path}[{index++}]"), depth + 1, fault);
            // A map written as a list can do without one of its entries; any other list would mean something else.
            if (schema.ListKey is { } key)
            {
                if (one is JsonObject entry && keys.Add(entry[key]?.ToString() ?? "")) fitted.Add((JsonNode)entry);
            }
            else if (one is not null)
            {
                fitted.Add(one);
            }
            else
            {
                return null;
            }
        }

        return fitted;
    }

    private static FieldError Fault(JsonElement value, Node schema, string path)
    {
        var rule = schema.Type switch
        {
            "object" => "must be an object",
            "array" => "must be a list",
            "string" => schema.Format == "date-time" ? "must be a time" : schema.Values.IsEmpty ? "must be a string" : $"must be {string.Join(" or ", schema.Values)}",
            "boolean" => "must be true or false",
            "integer" => value.ValueKind == JsonValueKind.Number ? $"must be a {schema.Format[3..]}-bit integer" : "must be an integer",
            _ => "must be a quantity",
        };
        return FieldError.TypeInvalid(path, FieldReader.Print(value), rule, schema.Type == "string" ? FieldReader.QuoteIt(value) : null);
    }

    private static int DepthOf(JsonElement value)
    {
        var (depth, deepest) = (0, 0);
        var reader = new Utf8JsonReader(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(value), new JsonReaderOptions { MaxDepth = 2 * JsonLimits.DepthMax });
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray) deepest = Math.Max(deepest, ++depth);
            if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray) depth--;
        }

        return deepest;
    }

    private static HubSchema Read(string definition)
    {
        var root = JsonElement.Parse(Yaml.Read(definition)[0].Root.ToUtf8(), JsonLimits.Options);
        var schema = Node.Read(root.Items("spec", "versions").First().At("schema", "openAPIV3Schema"));
        return new HubSchema(schema with { Properties = schema.Properties.Where(static p => p.Key is "spec" or "status").ToFrozenDictionary(StringComparer.Ordinal) });
    }

    /// <summary>One place of a structural schema.</summary>
    private sealed record Node(string Type, string Format)
    {
        public FrozenDictionary<string, Node> Properties { get; init; } = FrozenDictionary<string, Node>.Empty;
        public Node? Additional { get; init; }
        public Node? Items { get; init; }
        public ImmutableArray<string> Required { get; init; } = [];
        public ImmutableArray<string> Values { get; init; } = [];
        public Regex? Pattern { get; init; }
        public JsonElement? Default { get; init; }
        public bool KeepsUnknown { get; init; }
        public bool IsIntegerOrText { get; init; }

        /// <summary>The member that tells the entries of a list apart that is a map.</summary>
        public string? ListKey { get; init; }

        public bool Admits(string text) =>
            (Values.IsEmpty || Values.Contains(text))
            && (Pattern is null || Pattern.IsMatch(text))
            && (Format != "date-time" || DateTimeOffset.TryParseExact(text, Rfc3339, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _));

        public static Node Read(JsonElement schema) => new(schema.Text("type") ?? "", schema.Text("format") ?? "")
        {
            Properties = schema.Members("properties").ToFrozenDictionary(static p => p.Name, static p => Read(p.Value), StringComparer.Ordinal),
            Additional = schema.Has("additionalProperties") ? Read(schema.At("additionalProperties")) : null,
            Items = schema.Has("items") ? Read(schema.At("items")) : null,
            Required = schema.Words("required"),
            Values = schema.Words("enum"),
            Pattern = schema.Text("pattern") is { } pattern ? new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking) : null,
            Default = schema.Has("default") ? schema.At("default") : null,
            KeepsUnknown = schema.Flag("x-kubernetes-preserve-unknown-fields") == true,
            IsIntegerOrText = schema.Flag("x-kubernetes-int-or-string") == true,
            ListKey = schema.Text("x-kubernetes-list-type") == "map" ? schema.Words("x-kubernetes-list-map-keys")[0] : null,
        };

        private static readonly string[] Rfc3339 = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];
    }
}
