using System.Collections.Immutable;
using System.Globalization;

namespace Mpi.Cli;

/// <summary>
/// Command lines as Go's <c>flag</c> package reads them, because operators' manifests are written for it: one dash or two,
/// <c>-name=value</c> or <c>-name value</c>, a boolean without a value is true. Every fault is collected.
/// </summary>
public sealed class GoFlags
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly List<string> _errors = [];

    private GoFlags() { }

    public ImmutableArray<string> Errors => [.. _errors];

    /// <param name="booleans">The flags that need no value.</param>
    /// <param name="valued">The flags that need one.</param>
    public static GoFlags Parse(ReadOnlySpan<string> arguments, IReadOnlySet<string> booleans, IReadOnlySet<string> valued)
    {
        var flags = new GoFlags();
        for (var i = 0; i < arguments.Length; i++)
        {
            var word = arguments[i];
            if (!word.StartsWith('-') || word is "-" or "--")
            {
                flags._errors.Add($"{word} is no flag; the operator takes flags only");
                continue;
            }

            var name = word.TrimStart('-');
            string? value = null;
            if (name.IndexOf('=', StringComparison.Ordinal) is var at and >= 0) (name, value) = (name[..at], name[(at + 1)..]);
            if (booleans.Contains(name)) flags._values[name] = value ?? "true";
            else if (!valued.Contains(name)) flags._errors.Add($"unknown flag -{name}");
            else if (value is not null) flags._values[name] = value;
            else if (i + 1 < arguments.Length) flags._values[name] = arguments[++i];
            else flags._errors.Add($"flag -{name} needs a value");
        }

        return flags;
    }

    public bool IsGiven(string name) => _values.ContainsKey(name);

    public string Text(string name, string otherwise) => _values.GetValueOrDefault(name, otherwise);

    public bool Flag(string name, bool otherwise = false)
    {
        if (!_values.TryGetValue(name, out var text)) return otherwise;
        switch (text)
        {
            case "1" or "t" or "T" or "true" or "TRUE" or "True": return true;
            case "0" or "f" or "F" or "false" or "FALSE" or "False": return false;
            default:
                _errors.Add($"flag -{name}: \"{text}\" is neither true nor false");
                return otherwise;
        }
    }

    public int Integer(string name, int otherwise, int minimum)
    {
        if (!_values.TryGetValue(name, out var text)) return otherwise;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= minimum) return number;
        _errors.Add($"flag -{name}: \"{text}\" is no whole number of {minimum.ToString(CultureInfo.InvariantCulture)} or more");
        return otherwise;
    }
}
