using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>The members of one type of the built-in API, those of embedded types included.</summary>
internal sealed class Shape(string name)
{
    public string Name { get; } = name;

    /// <summary>By name in JSON.</summary>
    public FrozenDictionary<string, ShapeMember> Members { get; private set; } = FrozenDictionary<string, ShapeMember>.Empty;

    /// <summary>By number in protobuf; an embedded type has a number of its own.</summary>
    public FrozenDictionary<int, ShapeMember> Numbers { get; private set; } = FrozenDictionary<int, ShapeMember>.Empty;

    public void Set(ImmutableArray<ShapeMember> members)
    {
        Numbers = members.ToFrozenDictionary(static m => m.Number);
        Members = Flat(members).ToFrozenDictionary(static m => m.Name, StringComparer.Ordinal);
    }

    private static IEnumerable<ShapeMember> Flat(IEnumerable<ShapeMember> members) =>
        members.SelectMany(static m => m.IsEmbedded ? Flat(m.Type.Shape!.Numbers.Values) : [m]);
}

/// <param name="IsEmbedded">Its type's members stand in place of it in JSON.</param>
/// <param name="KeepsZero">Whether a zero that came by protobuf is a value and not an absence.</param>
internal sealed record ShapeMember(int Number, string Name, ShapeType Type, bool IsEmbedded, bool KeepsZero);

/// <summary>A member's type: a scalar by name, a <see cref="Shape"/>, or a list or map of another type.</summary>
/// <param name="Scalar">Such as <c>string</c> or <c>Quantity</c>; empty for the others.</param>
internal sealed record ShapeType(string Scalar, Shape? Shape, ShapeType? ListOf, ShapeType? MapOf)
{
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
