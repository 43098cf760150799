using System.Globalization;
using System.Numerics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Kube.Types;

/// <summary>
/// What a plain scalar means. Kubernetes reads manifests by <c>sigs.k8s.io/yaml</c>, a YAML 1.1 reader, and so a manifest means here
/// what it means to kubectl (compared with <c>kubectl label --local -o json</c> 1.32): <c>yes no on off y n</c> are booleans,
/// <c>0644</c> and <c>0o644</c> are 420, <c>0x1F</c> is 31, <c>1_000</c> is 1000; dates and <c>1:30</c> stay text.
/// </summary>
internal static partial class YamlScalar
{
    /// <returns>The value; <paramref name="fault"/> is set for a number that JSON cannot hold.</returns>
    public static JsonNode? Resolve(string text, out string? fault)
    {
        fault = null;
        if (IsNull(text)) return null;
        if (Boolean(text) is { } flag) return JsonValue.Create(flag);
        if (text.TrimStart('+', '-').ToUpperInvariant() is ".INF" or ".NAN")
        {
            fault = $"{text} is no number that JSON can hold";
            return null;
        }

        return Number(text) is { } number ? JsonNode.Parse(number) : JsonValue.Create(text);
    }

    public static bool IsNull(string text) => text is "" or "~" or "null" or "Null" or "NULL";

    public static bool? Boolean(string text) => text switch
    {
        "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON" => true,
        "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF" => false,
        _ => null,
    };

    /// <summary>The number as JSON writes it, or null when the text is none.</summary>
    public static string? Number(string text)
    {
        if (text.Length == 0 || !(char.IsAsciiDigit(text[0]) || text[0] is '+' or '-' or '.')) return null;
        // Underscores part digits, but not in numbers that begin with a point.
        var plain = text[0] == '.' ? text : text.Replace("_", "");
        if (plain.Length == 0) return null;
        if (Integer(plain) is { } integer) return integer;
        if (!Decimal().IsMatch(plain)) return null;
        var value = double.Parse(plain, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? Print(value) : null;
    }

    private static string? Integer(string plain)
    {
        var signed = plain[0] is '+' or '-';
        var digits = signed ? plain[1..] : plain;
        var (radix, body) = digits switch
        {
            ['0', 'x' or 'X', .. var hex] => (16, hex),
            ['0', 'o' or 'O', .. var octal] => (8, octal),
            ['0', 'b' or 'B', .. var binary] => (2, binary),
            ['0', _, ..] => (8, digits[1..]),
            _ => (10, digits),
        };
        if (body.Length == 0) return null;
        var value = BigInteger.Zero;
        foreach (var c in body)
        {
            var digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : int.MaxValue;
            if (digit >= radix) return null;
            value = (value * radix) + digit;
            // What fits no 64 bits is read as a floating point number, if it is decimal.
            if (value > ulong.MaxValue) return null;
        }

        if (plain[0] == '-') value = -value;
        return value >= long.MinValue ? value.ToString() : null;
    }

    /// <summary>As Go's JSON writes floating point numbers: the shortest text that reads back, an exponent only below 1e-6 and from 1e21.</summary>
    private static string Print(double value)
    {
        if (value == 0) return "0";
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        if (!shortest.Contains('E')) return shortest;
        return Math.Abs(value) is < 1e-6 or >= 1e21
            ? shortest.Replace("E", "e").Replace("e-0", "e-")
            : decimal.Parse(shortest, NumberStyles.Float, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Decimal();
}
