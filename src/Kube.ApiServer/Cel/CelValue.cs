using System.Globalization;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>A value of the Common Expression Language (<c>github.com/google/cel-spec</c>). Immutable.</summary>
internal abstract record CelValue
{
    private CelValue() { }

    public sealed record Null : CelValue
    {
        public static readonly Null Value = new();
    }

    public sealed record Bool(bool Value) : CelValue;

    public sealed record Int(long Value) : CelValue;

    public sealed record UInt(ulong Value) : CelValue;

    public sealed record Double(double Value) : CelValue;

    public sealed record Text(string Value) : CelValue;

    public sealed record Bytes(ReadOnlyMemory<byte> Value) : CelValue;

    public sealed record Timestamp(DateTimeOffset Value) : CelValue;

    public sealed record Duration(TimeSpan Value) : CelValue;

    /// <summary>An amount such as <c>500m</c>; Kubernetes' extension of the language.</summary>
    public sealed record Amount(Quantity Value) : CelValue;

    /// <param name="Unordered">Lists that Kubernetes merges by key or value are equal in any order.</param>
    public sealed record List(IReadOnlyList<CelValue> Items, bool Unordered = false) : CelValue;

    public sealed record Map(IReadOnlyDictionary<string, CelValue> Entries) : CelValue;

    public sealed record Optional(CelValue? Inner) : CelValue
    {
        public static readonly Optional None = new((CelValue?)null);
    }

    public sealed record Type(CelType Of) : CelValue;

    public CelType TypeOf => this switch
    {
        Null => CelType.Null,
        Bool => CelType.Bool,
        Int => CelType.Int,
        UInt => CelType.UInt,
        Double => CelType.Double,
        Text => CelType.Text,
        Bytes => CelType.Bytes,
        Timestamp => CelType.Timestamp,
        Duration => CelType.Duration,
        Amount => CelType.Quantity,
        List => CelType.AnyList,
        Map => CelType.AnyMap,
        Optional => new CelType.OptionalOf(CelType.Any),
        _ => CelType.TypeName,
    };

    /// <summary>Equality as the language has it: numbers by value whatever their type, different kinds are simply unequal.</summary>
    public static bool Same(CelValue one, CelValue other) => (one, other) switch
    {
        (List a, List b) => a.Unordered || b.Unordered ? SameUnordered(a.Items, b.Items) : a.Items.Count == b.Items.Count && a.Items.Zip(b.Items).All(static p => Same(p.First, p.Second)),
        (Map a, Map b) => a.Entries.Count == b.Entries.Count && a.Entries.All(e => b.Entries.TryGetValue(e.Key, out var value) && Same(e.Value, value)),
        (Optional a, Optional b) => a.Inner is null || b.Inner is null ? a.Inner is null && b.Inner is null : Same(a.Inner, b.Inner),
        (Bytes a, Bytes b) => a.Value.Span.SequenceEqual(b.Value.Span),
        _ when Order(one, other) is { } order => order == 0,
        _ => one.Equals(other),
    };

    /// <summary>Which of two comes first; null where the language knows no order.</summary>
    public static int? Order(CelValue one, CelValue other) => (one, other) switch
    {
        (Int a, Int b) => a.Value.CompareTo(b.Value),
        (UInt a, UInt b) => a.Value.CompareTo(b.Value),
        (Int or UInt or Double, Int or UInt or Double) => Number(one).CompareTo(Number(other)),
        (Text a, Text b) => string.CompareOrdinal(a.Value, b.Value),
        (Bool a, Bool b) => a.Value.CompareTo(b.Value),
        (Bytes a, Bytes b) => a.Value.Span.SequenceCompareTo(b.Value.Span),
        (Timestamp a, Timestamp b) => a.Value.CompareTo(b.Value),
        (Duration a, Duration b) => a.Value.CompareTo(b.Value),
        (Amount a, Amount b) => a.Value.CompareTo(b.Value),
        _ => null,
    };

    /// <summary>The value as <c>string()</c> gives it and as it stands in made messages.</summary>
    public string Print() => this switch
    {
        Null => "null",
        Bool b => b.Value ? "true" : "false",
        Int i => i.Value.ToString(CultureInfo.InvariantCulture),
        UInt u => u.Value.ToString(CultureInfo.InvariantCulture),
        Double d => d.Value.ToString(CultureInfo.InvariantCulture),
        Text t => t.Value,
        Bytes b => System.Text.Encoding.UTF8.GetString(b.Value.Span),
        Timestamp t => t.Value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture),
        Duration d => d.Value.TotalSeconds.ToString(CultureInfo.InvariantCulture) + "s",
        Amount q => q.Value.ToString(),
        List l => $"[{string.Join(", ", l.Items.Select(static i => i.Print()))}]",
        Map m => $"{{{string.Join(", ", m.Entries.Select(static e => $"{e.Key}: {e.Value.Print()}"))}}}",
        Optional o => o.Inner is null ? "optional.none()" : $"optional({o.Inner.Print()})",
        _ => ((Type)this).Of.Name,
    };

    private static double Number(CelValue value) => value switch
    {
        Int i => i.Value,
        UInt u => u.Value,
        Double d => d.Value,
        _ => double.NaN,
    };

    private static bool SameUnordered(IReadOnlyList<CelValue> one, IReadOnlyList<CelValue> other)
    {
        if (one.Count != other.Count) return false;
        var left = other.ToList();
        foreach (var item in one)
        {
            var match = left.FindIndex(o => Same(o, item));
            if (match < 0) return false;
            left.RemoveAt(match);
        }

        return true;
    }
}
