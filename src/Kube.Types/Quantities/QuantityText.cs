using System.Buffers;
using System.Numerics;

namespace Kube.Types;

/// <summary>The text form of quantities (<c>k8s.io/apimachinery/pkg/api/resource</c>): <c>[+-]digits[.digits][suffix]</c>.</summary>
internal static class QuantityText
{
    private const string DecimalSuffixes = "num kMGTPE";
    private const string BinarySuffixes = "KMGTPE";
    private static readonly SearchValues<char> SuffixCharacters = SearchValues.Create("eEinumkKMGTP+-0123456789");

    /// <summary>Longer text is refused unread: no sensible amount needs it, and its arithmetic would cost.</summary>
    private const int LengthMax = 128;

    private const string WrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    private const string WrongSuffix = "unable to parse quantity's suffix";

    /// <summary>Larger amounts are held to this, as Kubernetes does.</summary>
    private static readonly BigInteger NanosMax = long.MaxValue * Quantity.NanosPerUnit;

    /// <returns>The fault, or null.</returns>
    public static string? Parse(string text, out Quantity quantity)
    {
        quantity = default;
        if (text.Length is 0 or > LengthMax) return WrongFormat;
        var at = text[0] is '+' or '-' ? 1 : 0;
        var digits = BigInteger.Zero;
        var fractionDigits = 0;
        var digitsRead = 0;
        var point = false;
        for (; at < text.Length; at++)
        {
            if (char.IsAsciiDigit(text[at]))
            {
                digits = (digits * 10) + (text[at] - '0');
                digitsRead++;
                if (point) fractionDigits++;
            }
            else if (text[at] == '.' && !point) point = true;
            else break;
        }

        if (digitsRead == 0) return WrongFormat;
        if (Suffix(text.AsSpan(at)) is not var (form, powerOf10, powerOf1024)) return text.AsSpan(at).ContainsAnyExcept(SuffixCharacters) ? WrongFormat : WrongSuffix;

        var nanos = ToNanos(digits, powerOf10 - fractionDigits + 9, powerOf1024);
        if (text[0] == '-') nanos = -nanos;
        // 0.5Ki is 512, but 0.0005Ki would print no whole number of bytes: such fractions of one unit go decimal.
        if (form == QuantityForm.BinarySuffix && BigInteger.Abs(nanos) < Quantity.NanosPerUnit) form = QuantityForm.DecimalSuffix;
        quantity = new Quantity(nanos, form);
        return null;
    }

    /// <summary>Exact where it can be, else rounded away from zero to a whole nano unit, and held to the largest amount.</summary>
    private static BigInteger ToNanos(BigInteger digits, int powerOf10, int powerOf1024)
    {
        if (digits.IsZero) return digits;
        // Exponents are text from outside: beyond these bounds the result is known without computing the power.
        if (powerOf10 > 40) return NanosMax;
        if (powerOf10 < -2 * LengthMax) return BigInteger.One;
        var nanos = digits * BigInteger.Pow(1024, powerOf1024);
        if (powerOf10 >= 0) nanos *= BigInteger.Pow(10, powerOf10);
        else
        {
            nanos = BigInteger.DivRem(nanos, BigInteger.Pow(10, -powerOf10), out var rest);
            if (!rest.IsZero) nanos += BigInteger.One;
        }

        return BigInteger.Min(nanos, NanosMax);
    }

    private static (QuantityForm Form, int PowerOf10, int PowerOf1024)? Suffix(ReadOnlySpan<char> suffix)
    {
        if (suffix.Length == 0) return (QuantityForm.DecimalSuffix, 0, 0);
        if (suffix.Length == 1 && suffix[0] != ' ' && DecimalSuffixes.IndexOf(suffix[0]) is >= 0 and var power)
        {
            return (QuantityForm.DecimalSuffix, (power - 3) * 3, 0);
        }

        if (suffix.Length == 2 && suffix[1] == 'i' && BinarySuffixes.IndexOf(suffix[0]) is >= 0 and var binary)
        {
            return (QuantityForm.BinarySuffix, 0, binary + 1);
        }

        if (suffix[0] is not ('e' or 'E') || suffix.Length == 1) return null;
        var sign = suffix[1] is '+' or '-' ? 1 : 0;
        var exponent = suffix[(1 + sign)..];
        if (exponent.Length == 0) return null;
        foreach (var c in exponent)
        {
            if (!char.IsAsciiDigit(c)) return null;
        }

        // An exponent of more digits than an int holds says no more than "very large" or "very small".
        var size = int.TryParse(exponent, out var read) ? Math.Min(read, 100_000) : 100_000;
        return (QuantityForm.DecimalExponent, suffix[1] == '-' ? -size : size, 0);
    }

    public static string Format(BigInteger nanos, QuantityForm form)
    {
        if (nanos.IsZero) return "0";
        // Binary suffixes know no fractions: what is no whole number prints decimal, and so, in Kubernetes, does what is below 1024.
        if (form == QuantityForm.BinarySuffix && BigInteger.Abs(nanos) >= 1024 * Quantity.NanosPerUnit)
        {
            var units = BigInteger.DivRem(nanos, Quantity.NanosPerUnit, out var fraction);
            if (fraction.IsZero) return FormatBinary(units);
        }

        var exponent = -9;
        while (exponent < 18)
        {
            var shorter = BigInteger.DivRem(nanos, 1000, out var rest);
            if (!rest.IsZero) break;
            nanos = shorter;
            exponent += 3;
        }

        if (exponent == 0) return nanos.ToString();
        return form == QuantityForm.DecimalExponent ? $"{nanos}e{exponent}" : $"{nanos}{DecimalSuffixes[(exponent / 3) + 3]}";
    }

    private static string FormatBinary(BigInteger units)
    {
        var power = 0;
        while (power < BinarySuffixes.Length)
        {
            var shorter = BigInteger.DivRem(units, 1024, out var rest);
            if (!rest.IsZero) break;
            units = shorter;
            power++;
        }

        return power == 0 ? units.ToString() : $"{units}{BinarySuffixes[power - 1]}i";
    }
}
