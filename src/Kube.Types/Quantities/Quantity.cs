using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Text.Json;

namespace Kube.Types;

/// <summary>
/// An amount of a resource, such as <c>500m</c>, <c>1.5Gi</c> or <c>2e3</c>. Exact: kept as a whole number of nano units, which is
/// also the finest that Kubernetes keeps (what is finer is rounded up, away from zero). Prints canonically: no fraction, the
/// largest suffix that loses nothing, in the family of suffixes it was written in. Equal and ordered by amount, not by form.
/// </summary>
public readonly struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    internal static readonly BigInteger NanosPerUnit = BigInteger.Pow(10, 9);
    private static readonly BigInteger NanosPerMilli = BigInteger.Pow(10, 6);

    private readonly BigInteger _nanos;

    internal Quantity(BigInteger nanos, QuantityForm form)
    {
        _nanos = nanos;
        Form = form;
    }

    public static Quantity Zero => default;

    public QuantityForm Form { get; }

    public bool IsZero => _nanos.IsZero;

    public int Sign => _nanos.Sign;

    public static Quantity FromUnits(long units, QuantityForm form = QuantityForm.DecimalSuffix) => new(units * NanosPerUnit, form);

    public static Quantity FromMilliUnits(long milliUnits) => new(milliUnits * NanosPerMilli, QuantityForm.DecimalSuffix);

    /// <summary>The amount in whole units, rounded up (away from zero), held to the range of a long.</summary>
    public long Units => Rounded(NanosPerUnit);

    /// <summary>The amount in thousandths, rounded up (away from zero), held to the range of a long.</summary>
    public long MilliUnits => Rounded(NanosPerMilli);

    /// <exception cref="FormatException">The text is no quantity; the message is Kubernetes' own.</exception>
    public static Quantity Parse(string text) =>
        TryParse(text, out var quantity, out var error) ? quantity : throw new FormatException($"{error} (it is \"{text}\")");

    public static bool TryParse(string text, out Quantity quantity, [NotNullWhen(false)] out string? error)
    {
        error = QuantityText.Parse(text, out quantity);
        return error is null;
    }

    /// <summary>A quantity in a manifest may stand as a string or as a bare number. Null when it is neither, or no quantity.</summary>
    public static Quantity? Read(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when TryParse(value.GetString()!, out var written, out _) => written,
        JsonValueKind.Number when TryParse(value.GetRawText(), out var number, out _) => number,
        _ => null,
    };

    /// <summary>The sum, in the left side's form; a zero on the left takes the right side's form, as sums over a list begin with zero.</summary>
    public static Quantity operator +(Quantity left, Quantity right) => new(left._nanos + right._nanos, left.IsZero ? right.Form : left.Form);

    public static Quantity operator -(Quantity left, Quantity right) => new(left._nanos - right._nanos, left.IsZero ? right.Form : left.Form);

    public static Quantity operator -(Quantity quantity) => new(-quantity._nanos, quantity.Form);

    public static Quantity operator *(Quantity quantity, long factor) => new(quantity._nanos * factor, quantity.Form);

    public static Quantity Max(Quantity left, Quantity right) => left >= right ? left : right;

    public static bool operator ==(Quantity left, Quantity right) => left.Equals(right);
    public static bool operator !=(Quantity left, Quantity right) => !left.Equals(right);
    public static bool operator <(Quantity left, Quantity right) => left.CompareTo(right) < 0;
    public static bool operator >(Quantity left, Quantity right) => left.CompareTo(right) > 0;
    public static bool operator <=(Quantity left, Quantity right) => left.CompareTo(right) <= 0;
    public static bool operator >=(Quantity left, Quantity right) => left.CompareTo(right) >= 0;

    public int CompareTo(Quantity other) => _nanos.CompareTo(other._nanos);

    public bool Equals(Quantity other) => _nanos == other._nanos;

    public override bool Equals(object? obj) => obj is Quantity other && Equals(other);

    public override int GetHashCode() => _nanos.GetHashCode();

    public override string ToString() => QuantityText.Format(_nanos, Form);

    private long Rounded(BigInteger nanosPerStep)
    {
        var steps = BigInteger.DivRem(_nanos, nanosPerStep, out var rest);
        if (!rest.IsZero) steps += _nanos.Sign;
        return (long)BigInteger.Clamp(steps, long.MinValue, long.MaxValue);
    }
}

/// <summary>The family of suffixes that a quantity prints in.</summary>
public enum QuantityForm
{
    /// <summary><c>n u m - k M G T P E</c>, powers of 1000.</summary>
    DecimalSuffix,

    /// <summary><c>Ki Mi Gi Ti Pi Ei</c>, powers of 1024.</summary>
    BinarySuffix,

    /// <summary><c>1e3</c>, powers of 1000.</summary>
    DecimalExponent,
}
