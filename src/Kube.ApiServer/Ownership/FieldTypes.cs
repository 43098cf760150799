using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Field types of built-in kinds, from their shapes, and of custom resources, from their schemas.</summary>
internal static class FieldTypes
{
    private static readonly FieldType Text = new() { Scalar = "string" };
    private static readonly FieldType Anything = new() { Scalar = "", List = new ListType { Items = FieldType.Whole }, Map = new MapType { Elements = FieldType.Deduced } };
    private static readonly FrozenDictionary<Shape, FieldType> BuiltIn = ReadShapes();

    public static FieldType Of(Shape shape) => BuiltIn[shape];

    /// <summary>A custom resource's: whatever its schema says, it has an apiVersion, a kind and metadata.</summary>
    public static FieldType OfResource(Schema schema) => Of(schema with { EmbeddedResource = true }, preservesUnknown: false);

    private static FrozenDictionary<Shape, FieldType> ReadShapes()
    {
        var types = ShapeCatalog.Shapes.ToDictionary(static s => s, static s => new FieldType { Map = new MapType { IsAtomic = s.IsAtomic } });
        foreach (var (shape, type) in types)
        {
            var members = shape.Members.Values.ToDictionary(static m => m.Name, m => Of(m.Type, shape.Facts.GetValueOrDefault(m.Name, MemberFacts.None), types), StringComparer.Ordinal);
            if (shape.IsKind) (members["apiVersion"], members["kind"]) = (Text, Text);
            type.Map!.Members = members.ToFrozenDictionary(StringComparer.Ordinal);
        }

        return types.ToFrozenDictionary();
    }

    private static FieldType Of(ShapeType type, MemberFacts facts, Dictionary<Shape, FieldType> shapes)
    {
        switch (type)
        {
            case { Shape: { } shape }:
                // The type's own map is filled in later: an atomic view of it needs none of its members.
                return facts.Merging == "atomic" && !shape.IsAtomic ? new FieldType { Map = new MapType { IsAtomic = true, Elements = FieldType.Deduced } } : shapes[shape];
            case { MapOf: { } value }:
                return new FieldType { Map = new MapType { IsAtomic = facts.Merging == "atomic", Elements = Of(value, MemberFacts.None, shapes) } };
            case { ListOf: { } item }:
                var keys = facts.Keys.Order(StringComparer.Ordinal).ToImmutableArray();
                return new FieldType { List = new ListType { Items = Of(item, MemberFacts.None, shapes), IsSet = facts.Merging == "set", Keys = keys, KeyDefaults = Defaults(keys, item.Shape) } };
            default:
                return Of(type.Scalar);
        }
    }

    private static FieldType Of(string scalar) => scalar switch
    {
        "bool" => new FieldType { Scalar = "boolean" },
        "int32" or "int64" or "int" or "float64" or "Duration" => new FieldType { Scalar = "numeric" },
        "Quantity" or "IntOrString" => Anything,
        "Raw" => new FieldType { Map = new MapType { Elements = FieldType.Deduced } },
        _ => Text,
    };

    private static FrozenDictionary<string, JsonNode> Defaults(ImmutableArray<string> keys, Shape? item) => keys
        .Select(key => KeyValuePair.Create(key, item?.Facts.GetValueOrDefault(key)?.Default))
        .Where(static d => d.Value is not null)
        .ToFrozenDictionary(static d => d.Key, static d => d.Value!, StringComparer.Ordinal);

    private static FieldType Of(Schema schema, bool preservesUnknown)
    {
        preservesUnknown |= schema.PreservesUnknown;
        return schema.Type switch
        {
            "object" => new FieldType { Map = MapOf(schema, preservesUnknown) },
            "array" => new FieldType { List = ListOf(schema, preservesUnknown) },
            "string" => schema.Format == "int-or-string" ? Anything : Text,
            "boolean" => new FieldType { Scalar = "boolean" },
            "integer" or "number" => new FieldType { Scalar = "numeric" },
            _ => new FieldType { Scalar = "", List = ListOf(schema, preservesUnknown), Map = MapOf(schema, preservesUnknown) },
        };
    }

    private static MapType MapOf(Schema schema, bool preservesUnknown)
    {
        var members = schema.Properties.ToDictionary(static p => p.Key, p => Of(p.Value, preservesUnknown), StringComparer.Ordinal);
        if (schema.EmbeddedResource)
        {
            (members["apiVersion"], members["kind"]) = (Text, Text);
            members["metadata"] = Of(ShapeCatalog.Find("ObjectMeta")!);
        }

        // An object that says nothing of its members may have any.
        var open = preservesUnknown || schema.Properties.IsEmpty;
        return new MapType
        {
            Members = members.ToFrozenDictionary(StringComparer.Ordinal),
            Elements = schema.AdditionalProperties is { } additional ? Of(additional, preservesUnknown) : open ? FieldType.Deduced : null,
            IsAtomic = schema.MapType == "atomic",
        };
    }

    private static ListType ListOf(Schema schema, bool preservesUnknown)
    {
        var keys = schema.ListType == "map" ? schema.ListMapKeys.Sort(StringComparer.Ordinal) : [];
        return new ListType
        {
            Items = schema.Items is { } items ? Of(items, preservesUnknown) : FieldType.Whole,
            IsSet = schema.ListType == "set",
            Keys = keys,
            KeyDefaults = keys.Select(k => KeyValuePair.Create(k, schema.Items?.Properties.GetValueOrDefault(k)?.Default))
                .Where(static d => d.Value is not null)
                .ToFrozenDictionary(static d => d.Key, static d => d.Value!, StringComparer.Ordinal),
        };
    }
}
