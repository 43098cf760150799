using System.Collections.Immutable;

namespace Kube.ApiServer;

/// <summary>What is known of an expression before it is run.</summary>
internal abstract record CelType(string Name)
{
    /// <summary>A type without parts, told by its name.</summary>
    public sealed record Plain(string Name) : CelType(Name);

    /// <summary>Anything; checked when it is run.</summary>
    public sealed record Dynamic() : CelType("dyn");

    public sealed record ListOf(CelType Item) : CelType($"list({Item.Name})");

    public sealed record MapOf(CelType Value) : CelType($"map(string, {Value.Name})");

    public sealed record OptionalOf(CelType Inner) : CelType($"optional_type({Inner.Name})");

    /// <summary>An object whose members are known.</summary>
    public sealed record ObjectOf(ImmutableDictionary<string, CelType> Members) : CelType("object");

    /// <summary>Stands for the same type wherever it occurs in a signature.</summary>
    public sealed record Variable(string Name) : CelType(Name);

    public static readonly CelType Any = new Dynamic();
    public static readonly CelType Null = new Plain("null_type");
    public static readonly CelType Bool = new Plain("bool");
    public static readonly CelType Int = new Plain("int");
    public static readonly CelType UInt = new Plain("uint");
    public static readonly CelType Double = new Plain("double");
    public static readonly CelType Text = new Plain("string");
    public static readonly CelType Bytes = new Plain("bytes");
    public static readonly CelType Timestamp = new Plain("timestamp");
    public static readonly CelType Duration = new Plain("duration");
    public static readonly CelType Quantity = new Plain("kubernetes.Quantity");
    public static readonly CelType TypeName = new Plain("type");
    public static readonly CelType AnyList = new ListOf(Any);
    public static readonly CelType AnyMap = new MapOf(Any);

    public bool IsNumber => this == Int || this == UInt || this == Double;

    /// <summary>Whether a value of this type may stand where another is asked for. Variables of the other are bound on the way.</summary>
    public bool Fits(CelType wanted, Dictionary<string, CelType> bound) => (this, wanted) switch
    {
        (_, Dynamic) or (Dynamic, _) => true,
        (_, Variable v) when bound.TryGetValue(v.Name, out var already) => Fits(already, bound) || already.Fits(this, bound),
        (_, Variable v) => bound.TryAdd(v.Name, this),
        (ListOf a, ListOf b) => a.Item.Fits(b.Item, bound),
        (MapOf a, MapOf b) => a.Value.Fits(b.Value, bound),
        (ObjectOf, MapOf) => true,
        (ObjectOf a, ObjectOf b) => a.Members.Keys.Order(StringComparer.Ordinal).SequenceEqual(b.Members.Keys.Order(StringComparer.Ordinal)),
        (OptionalOf a, OptionalOf b) => a.Inner.Fits(b.Inner, bound),
        (Plain a, ObjectOf or OptionalOf) => a == Null,
        _ => this == wanted,
    };

    /// <summary>A signature's type with its variables replaced by what they were bound to.</summary>
    public CelType With(Dictionary<string, CelType> bound) => this switch
    {
        Variable v => bound.GetValueOrDefault(v.Name, Any),
        ListOf l => new ListOf(l.Item.With(bound)),
        MapOf m => new MapOf(m.Value.With(bound)),
        OptionalOf o => new OptionalOf(o.Inner.With(bound)),
        _ => this,
    };

    /// <summary>What two branches have in common.</summary>
    public static CelType Join(CelType one, CelType other) =>
        one == other ? one
        : one == Null && other is not Plain ? other
        : other == Null && one is not Plain ? one
        : one.Fits(other, []) && one is not Dynamic ? other : Any;
}
