using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// The schemas of a document: of resources, and of all types that these consist of, under the names that Kubernetes gives them.
/// Version 3 puts a reference into <c>allOf</c> where something stands beside it, version 2 has it alone.
/// </summary>
internal sealed class OpenApiSchemas(OpenApiVersion version)
{
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

    public JsonObject Written { get; } = [];

    public static string Reference(string name, OpenApiVersion version) => $"#/{(version == OpenApiVersion.V2 ? "definitions" : "components/schemas")}/{name}";

    /// <summary>Such as <c>io.k8s.api.core.v1.Pod</c>; of a custom resource its group's labels turned round, <c>com.example.v1.Widget</c>.</summary>
    public static string NameOf(ServedResource resource) => resource.Strategy.Shape is { Package.Length: > 0 } shape
        ? NameOf(shape)
        : string.Join('.', resource.Kind.Group.Split('.').Reverse().Append(resource.Kind.Version).Append(resource.Kind.Kind));

    public static JsonObject GroupVersionKind(ResourceKind kind, string name) => new() { ["group"] = kind.Group, ["kind"] = name, ["version"] = kind.Version };

    public void Add(ServedResource resource)
    {
        var name = NameOf(resource);
        if (resource.Strategy.Shape is { Package.Length: > 0 } shape) Refer(shape);
        else Written[name] = CustomResource(resource.Strategy as CustomResourceKind);
        Written[name]!["x-kubernetes-group-version-kind"] = new JsonArray(GroupVersionKind(resource.Kind, resource.Kind.Kind));
        Written[$"{name}List"] = List(resource, name);
    }

    private static string NameOf(Shape shape) => $"{shape.Package}.{shape.Name[(shape.Name.LastIndexOf('.') + 1)..]}";

    private JsonObject CustomResource(CustomResourceKind? kind)
    {
        var schema = kind?.Document?.DeepClone() as JsonObject ?? new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };
        var properties = schema.Object("properties");
        properties["apiVersion"] = new JsonObject { ["type"] = "string" };
        properties["kind"] = new JsonObject { ["type"] = "string" };
        properties["metadata"] = Refer(ShapeCatalog.Find("ObjectMeta")!);
        return schema;
    }

    private JsonObject List(ServedResource resource, string item) => new()
    {
        ["type"] = "object",
        ["required"] = new JsonArray("items"),
        ["properties"] = new JsonObject
        {
            ["apiVersion"] = new JsonObject { ["type"] = "string" },
            ["kind"] = new JsonObject { ["type"] = "string" },
            ["metadata"] = ListMeta(),
            ["items"] = new JsonObject { ["type"] = "array", ["items"] = ReferTo(item) },
        },
        ["x-kubernetes-group-version-kind"] = new JsonArray(GroupVersionKind(resource.Kind, resource.ListKind)),
    };

    private JsonObject ListMeta()
    {
        if (!Written.ContainsKey($"{Meta}.ListMeta"))
        {
            var properties = new JsonObject();
            foreach (var name in new[] { "continue", "resourceVersion", "selfLink" }) properties[name] = new JsonObject { ["type"] = "string" };
            properties["remainingItemCount"] = new JsonObject { ["type"] = "integer", ["format"] = "int64" };
            Written[$"{Meta}.ListMeta"] = new JsonObject { ["type"] = "object", ["properties"] = properties };
        }

        return ReferTo($"{Meta}.ListMeta");
    }

    /// <summary>A reference to a shape's schema, which is written when it is referred to first.</summary>
    private JsonObject Refer(Shape shape)
    {
        var name = NameOf(shape);
        if (!Written.ContainsKey(name))
        {
            var schema = new JsonObject { ["type"] = "object" };
            // Before its members: a type may contain itself.
            Written[name] = schema;
            Fill(schema, shape);
        }

        return ReferTo(name);
    }

    private JsonObject ReferTo(string name)
    {
        var reference = new JsonObject { ["$ref"] = Reference(name, version) };
        return version == OpenApiVersion.V2 ? reference : new JsonObject { ["allOf"] = new JsonArray(reference) };
    }

    private void Fill(JsonObject schema, Shape shape)
    {
        if (Descriptions.Of(shape) is { } about) schema["description"] = about;
        var properties = schema.Object("properties");
        if (shape.IsKind)
        {
            properties["apiVersion"] = new JsonObject { ["type"] = "string" };
            properties["kind"] = new JsonObject { ["type"] = "string" };
        }

        var required = new JsonArray();
        foreach (var (name, member) in shape.Members.OrderBy(static m => m.Key, StringComparer.Ordinal))
        {
            var facts = shape.Facts.GetValueOrDefault(name, MemberFacts.None);
            var property = TypeSchema(member.Type);
            Describe(property, facts);
            if (Descriptions.Of(shape, name) is { } text) property["description"] = text;
            properties[name] = property;
            if (facts.IsRequired) required.Add((JsonNode)name);
        }

        if (required.Count > 0) schema["required"] = required;
        if (shape.IsAtomic) schema["x-kubernetes-map-type"] = "atomic";
    }

    private JsonObject TypeSchema(ShapeType type) => type switch
    {
        { Shape: { } shape } => Refer(shape),
        { ListOf: { } item } => new JsonObject { ["type"] = "array", ["items"] = TypeSchema(item) },
        { MapOf: { } value } => new JsonObject { ["type"] = "object", ["additionalProperties"] = TypeSchema(value) },
        _ => Scalar(type.Scalar),
    };

    private JsonObject Scalar(string scalar) => scalar switch
    {
        "bool" => new JsonObject { ["type"] = "boolean" },
        "int32" or "int64" => new JsonObject { ["type"] = "integer", ["format"] = scalar },
        "int" or "Duration" => new JsonObject { ["type"] = "integer", ["format"] = "int64" },
        "float64" => new JsonObject { ["type"] = "number", ["format"] = "double" },
        "bytes" => new JsonObject { ["type"] = "string", ["format"] = "byte" },
        "Time" => Named($"{Meta}.Time", new JsonObject { ["type"] = "string", ["format"] = "date-time" }),
        "MicroTime" => Named($"{Meta}.MicroTime", new JsonObject { ["type"] = "string", ["format"] = "date-time" }),
        "Raw" => Named($"{Meta}.FieldsV1", new JsonObject { ["type"] = "object" }),
        "Quantity" => Named("io.k8s.apimachinery.pkg.api.resource.Quantity", Either("string", "number")),
        "IntOrString" => Named("io.k8s.apimachinery.pkg.util.intstr.IntOrString", Either("integer", "string", "int-or-string")),
        _ => new JsonObject { ["type"] = "string" },
    };

    private JsonObject Named(string name, JsonObject schema)
    {
        if (!Written.ContainsKey(name)) Written[name] = schema;
        return ReferTo(name);
    }

    /// <summary>Version 2 cannot say this and calls both text.</summary>
    private JsonObject Either(string one, string other, string format = "")
    {
        var schema = version == OpenApiVersion.V2
            ? new JsonObject { ["type"] = "string" }
            : new JsonObject { ["oneOf"] = new JsonArray(new JsonObject { ["type"] = one }, new JsonObject { ["type"] = other }) };
        if (format.Length > 0) schema["format"] = format;
        return schema;
    }

    private static void Describe(JsonObject property, MemberFacts facts)
    {
        if (facts.Default is { } preset) property["default"] = preset.DeepClone();
        if (!facts.Enum.IsEmpty) (property["items"] as JsonObject ?? property)["enum"] = facts.Enum.ToTree();
        if (!facts.Keys.IsEmpty) property["x-kubernetes-list-map-keys"] = facts.Keys.ToTree();
        if (facts.Merging.Length > 0) property[property["items"] is null ? "x-kubernetes-map-type" : "x-kubernetes-list-type"] = facts.Merging;
        if (facts.PatchKey.Length > 0) property["x-kubernetes-patch-merge-key"] = facts.PatchKey;
        if (facts.PatchStrategy.Length > 0) property["x-kubernetes-patch-strategy"] = facts.PatchStrategy;
    }
}
