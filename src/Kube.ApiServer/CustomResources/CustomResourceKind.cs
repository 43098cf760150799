using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>One version of a custom resource, as its CustomResourceDefinition declares it.</summary>
internal sealed class CustomResourceKind : KindStrategy
{
    private readonly string _crdName;
    private readonly string _storageApiVersion;
    private readonly Schema _storageSchema;
    private readonly ConvertResource? _convert;
    private readonly bool _hasStatus;

    public CustomResourceKind(JsonObject crd, JsonObject version, ConvertResource? convert)
    {
        var (spec, names) = (crd["spec"]!, crd.At("spec", "names"));
        var group = spec.Text("group")!;
        Kind = new ResourceKind(group, version.Text("name")!, names.Text("kind")!, names.Text("plural")!, spec.Text("scope") != "Cluster");
        Singular = names.Text("singular") is { Length: > 0 } singular ? singular : Kind.Kind.ToLowerInvariant();
        ListKind = names.Text("listKind") is { Length: > 0 } list ? list : Kind.Kind + "List";
        ShortNames = [.. names.Texts("shortNames")];
        Categories = [.. names.Texts("categories")];
        Schema = Schema.Read(version.At("schema", "openAPIV3Schema"), isResource: true);
        if (spec.Flag("preserveUnknownFields") == true) Schema = Schema with { PreservesUnknown = true };
        Document = version.At("schema", "openAPIV3Schema") as JsonObject;
        FieldType = FieldTypes.OfResource(Schema);
        _crdName = crd.Text("metadata", "name")!;
        var stored = spec.Objects("versions").First(static v => v.Item.Flag("storage") == true).Item;
        _storageApiVersion = $"{group}/{stored.Text("name")}";
        _storageSchema = stored.Text("name") == Kind.Version ? Schema : Schema.Read(stored.At("schema", "openAPIV3Schema"), isResource: true);
        _convert = convert;
        _hasStatus = version.At("subresources", "status") is JsonObject;
        Scale = ReadScale(version.Members("subresources", "scale"));
        SelectableFields = [.. version.Objects("selectableFields").Select(static f => (f.Item.Text("jsonPath") ?? "").TrimStart('.'))];
        Columns = PrinterColumns.Read(version);
    }

    public override ResourceKind Kind { get; }
    public override string Singular { get; }
    public override string ListKind { get; }
    public override ImmutableArray<string> ShortNames { get; }
    public override ImmutableArray<string> Categories { get; }
    public override ImmutableArray<string> SelectableFields { get; }
    public override ImmutableArray<TableColumn> Columns { get; }
    public override ScalePaths? Scale { get; }
    public Schema Schema { get; }

    /// <summary>The schema as it was written, for OpenAPI.</summary>
    public JsonObject? Document { get; }

    public override Shape? Shape => null;
    public override bool HasStatus => _hasStatus;
    public override bool HasGeneration => true;
    public override bool AllowsUnconditionalUpdate => false;
    public override bool StatusWritesMetadata => false;
    public override bool TakesStrategicPatch => false;
    public override bool RequiresQualifiedFinalizers => false;
    public override ImmutableArray<Subresource> Subresources => Scale is null ? [] : [new("scale", "Scale", "autoscaling/v1", ["get", "patch", "update"])];

    public override string DescribeUnselectable(string field) => $"field label not supported: {field}";

    public override void FindUnknown(JsonObject obj, List<string> paths) => SchemaPruning.FindUnknown(obj, Schema, paths);

    public override void Prune(JsonObject obj) => SchemaPruning.Prune(obj, Schema);

    public override void Default(JsonObject obj) => SchemaDefaulting.Apply(obj, Schema);

    public override void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        base.PrepareForCreate(obj, context);
        if (CustomResourceDefinitionKind.IsTerminating(_crdName, context.Server))
        {
            throw new ApiException(new ApiStatus(405, ApiReason.MethodNotAllowed, "create not allowed while custom resource definition is terminating"));
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors) => Validate(obj, null, errors);

    public override void ValidateReplacement(JsonObject obj, JsonObject old, List<FieldError> errors) => Validate(obj, old, errors);

    public override void ValidateStatusUpdate(JsonObject obj, JsonObject old, List<FieldError> errors) => Validate(obj, old, errors);

    private void Validate(JsonObject obj, JsonObject? old, List<FieldError> errors)
    {
        SchemaValidation.Validate(obj, old, Schema, errors);
        SchemaRules.Validate(obj, old, Schema, errors);
    }

    /// <summary>Everything but metadata and, where it has a subresource of its own, status is what is wanted.</summary>
    public override bool ChangesGeneration(JsonObject obj, JsonObject old)
    {
        return !Wanted(obj).SameAs(Wanted(old));

        JsonObject Wanted(JsonObject whole)
        {
            var copy = (JsonObject)whole.DeepClone();
            copy.Remove("metadata");
            if (_hasStatus) copy.Remove("status");
            return copy;
        }
    }

    public override void Committed(JsonObject? obj, JsonObject? old, WriteContext context)
    {
        if (obj is null) CustomResourceDefinitionKind.InstanceGone(_crdName, context);
    }

    public override FieldType FieldType { get; }

    public override FieldSet FieldsNotWritten(string? subresource) => subresource == "status" ? NotStatus : base.FieldsNotWritten(subresource);

    public override KindStrategy? InVersion(string apiVersion, ServerState server) => apiVersion == Kind.ApiVersion ? this
        : apiVersion.Split('/') is [var group, var version] && group == Kind.Group ? server.Registry.Find(group, version, Kind.Plural)?.Strategy
        : null;

    public override JsonObject ToVersion(JsonObject obj, KindStrategy other) => Convert(obj, other.Kind.ApiVersion);

    public override ReadOnlyMemory<byte> Show(StoredObject obj) => Kind.ApiVersion == _storageApiVersion ? obj.Utf8 : StoredBytes.Reformed(Open(obj), obj);

    public override JsonObject Open(StoredObject obj) => Kind.ApiVersion == _storageApiVersion ? base.Open(obj) : Convert(base.Open(obj), Kind.ApiVersion);

    private static readonly FieldSet NotStatus = FieldSet.Of(["spec"], ["metadata"]);

    /// <summary>With the defaults of the version that is stored: whoever reads it in that one finds them, before anybody has written in it.</summary>
    public override JsonObject ToStorage(JsonObject obj)
    {
        if (Kind.ApiVersion == _storageApiVersion) return obj;
        var stored = Convert((JsonObject)obj.DeepClone(), _storageApiVersion);
        SchemaDefaulting.Apply(stored, _storageSchema);
        return stored;
    }

    private JsonObject Convert(JsonObject obj, string apiVersion)
    {
        if (_convert is not null) return _convert(obj, apiVersion);
        obj["apiVersion"] = apiVersion;
        return obj;
    }

    private static ScalePaths? ReadScale(JsonObject? scale)
    {
        if (scale is null) return null;
        return new ScalePaths(Steps("specReplicasPath"), Steps("statusReplicasPath"), Steps("labelSelectorPath"));

        ImmutableArray<string> Steps(string member) => scale.Text(member) is { Length: > 0 } path ? [.. JsonPath.Parse(path).Members] : [];
    }
}

/// <summary>Turns a custom resource into another version of itself; it may change the tree that it is given.</summary>
/// <param name="obj">The resource, its <c>apiVersion</c> saying what it is.</param>
/// <param name="apiVersion">What it is to become.</param>
public delegate JsonObject ConvertResource(JsonObject obj, string apiVersion);

/// <summary>The columns that a CustomResourceDefinition declares (<c>additionalPrinterColumns</c>).</summary>
internal static class PrinterColumns
{
    public static ImmutableArray<TableColumn> Read(JsonObject version)
    {
        var columns = version.Objects("additionalPrinterColumns").Select(static c => Column(c.Item)).ToImmutableArray();
        return columns.IsEmpty ? [TableColumn.Age] : columns;
    }

    private static TableColumn Column(JsonObject declared)
    {
        var path = JsonPath.Parse(declared.Text("jsonPath") ?? "");
        var type = declared.Text("type") ?? "string";
        return new TableColumn(declared.Text("name") ?? "", type, (int)(declared.Integer("priority") ?? 0), (obj, now) => Cell(path.Find(obj).ToList(), type, now))
        {
            Description = declared.Text("description") ?? "",
            Format = declared.Text("format") ?? "",
        };
    }

    private static JsonNode? Cell(List<JsonNode> found, string type, DateTimeOffset now)
    {
        if (found.Count == 0) return null;
        return type switch
        {
            "date" => Ages.Since(found[0].Text(), now),
            "integer" => found[0].Integer() ?? (SchemaValidation.Number(found[0]) is { } number ? (long)number : null),
            "number" => SchemaValidation.Number(found[0]) is { } number ? number : null,
            "boolean" => found[0].Flag(),
            _ => string.Join(' ', found.Select(static f => f.Print())),
        };
    }
}
