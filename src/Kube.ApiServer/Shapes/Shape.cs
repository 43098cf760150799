using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>The members of one type of the built-in API, those of embedded types included.</summary>
internal sealed class Shape(string name)
{
    public string Name { get; } = name;

    /// <summary>The package that Kubernetes' OpenAPI names before the type; empty for types that it does not describe.</summary>
    public string Package { get; init; } = "";

    /// <summary>Whether its objects say their apiVersion and kind.</summary>
    public bool IsKind { get; init; }

    /// <summary>Whether server-side apply replaces its values whole.</summary>
    public bool IsAtomic { get; init; }

    /// <summary>What OpenAPI says of members beside their types, by name in JSON.</summary>
    public FrozenDictionary<string, MemberFacts> Facts { get; init; } = FrozenDictionary<string, MemberFacts>.Empty;

    /// <summary>By name in JSON.</summary>
    public FrozenDictionary<string, ShapeMember> Members { get; private set; } = FrozenDictionary<string, ShapeMember>.Empty;

    /// <summary>By number in protobuf; an embedded type has a number of its own.</summary>
    public FrozenDictionary<int, ShapeMember> Numbers { get; private set; } = FrozenDictionary<int, ShapeMember>.Empty;

    public void Set(ImmutableArray<ShapeMember> members)
    {
        Numbers = members.ToFrozenDictionary(static m => m.Number);
        Members = Flat(members).ToFrozenDictionary(static m => m.Name, StringComparer.Ordinal);
    }

    /// <summary>
    /// What a server written in Go writes of an object of this type in which nothing is set: members that are written even when
    /// they are zero, objects among them, as they are no pointers there. A new object's author owns only what differs from it.
    /// </summary>
    public JsonObject Zero()
    {
        var zero = new JsonObject();
        foreach (var (name, member) in Members)
        {
            if (member.Type.Shape is { } inner && !member.IsPointer) zero[name] = inner.Zero();
            else if (member.WritesZero) zero[name] = member.Type.Zero;
        }

        return zero;
    }

    private static IEnumerable<ShapeMember> Flat(IEnumerable<ShapeMember> members) =>
        members.SelectMany(static m => m.IsEmbedded ? Flat(m.Type.Shape!.Numbers.Values) : [m]);
}

/// <param name="IsEmbedded">Its type's members stand in place of it in JSON.</param>
/// <param name="IsPointer">Absent and zero differ.</param>
/// <param name="WritesZero">Zero is written out too.</param>
internal sealed record ShapeMember(int Number, string Name, ShapeType Type, bool IsEmbedded, bool IsPointer, bool WritesZero)
{
    /// <summary>Whether a zero that came by protobuf is a value and not an absence.</summary>
    public bool KeepsZero => IsPointer || WritesZero;
}

/// <summary>A member's type: a scalar by name, a <see cref="Shape"/>, or a list or map of another type.</summary>
/// <param name="Scalar">Such as <c>string</c> or <c>Quantity</c>; empty for the others.</param>
internal sealed record ShapeType(string Scalar, Shape? Shape, ShapeType? ListOf, ShapeType? MapOf)
{
    /// <summary>The zero of Go, as it is written.</summary>
    public JsonNode? Zero => Scalar switch
    {
        "string" => "",
        "bool" => false,
        "int32" or "int64" or "int" or "float64" or "Duration" or "IntOrString" => 0,
        "Quantity" => "0",
        _ => null,
    };

    /// <summary>The type's name in the messages of a server written in Go.</summary>
    public string GoName => this switch
    {
        { ListOf: { } item } => "[]" + item.GoName,
        { MapOf: { } value } => "map[string]" + value.GoName,
        { Shape: { } shape } => "v1." + shape.Name[(shape.Name.LastIndexOf('.') + 1)..],
        { Scalar: "bytes" } => "[]uint8",
        { Scalar: "Time" or "MicroTime" } => "v1." + Scalar,
        { Scalar: "Quantity" } => "resource.Quantity",
        { Scalar: "IntOrString" } => "intstr.IntOrString",
        _ => Scalar,
    };
}

/// <summary>What OpenAPI says of one member beside its type.</summary>
internal sealed record MemberFacts
{
    public static readonly MemberFacts None = new();

    public bool IsRequired { get; init; }

    /// <summary>How server-side apply merges it: <c>atomic</c>, <c>set</c> or <c>map</c>; empty where nothing is said.</summary>
    public string Merging { get; init; } = "";

    /// <summary>The keys that tell the items of a list that is a map.</summary>
    public ImmutableArray<string> Keys { get; init; } = [];

    /// <summary>How a strategic merge patch merges it: <c>merge</c>, <c>retainKeys</c>, both joined by a comma, <c>replace</c>, or empty.</summary>
    public string PatchStrategy { get; init; } = "";

    /// <summary>The key that tells items for a strategic merge patch; empty for none.</summary>
    public string PatchKey { get; init; } = "";

    public JsonNode? Default { get; init; }
    public ImmutableArray<string> Enum { get; init; } = [];
}
