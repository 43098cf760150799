using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace Kube.Types;

/// <summary>
/// A field selector, <c>metadata.name=x,status.phase!=Running</c>. Within values <c>\,</c>, <c>\=</c> and <c>\\</c> stand for
/// the characters themselves. Which fields a kind may be selected by is the server's affair (<see cref="Terms"/>). Immutable.
/// </summary>
public sealed class FieldSelector
{
    private FieldSelector(ImmutableArray<FieldTerm> terms) => Terms = terms;

    public static FieldSelector Everything { get; } = new([]);

    public ImmutableArray<FieldTerm> Terms { get; }

    public bool MatchesEverything => Terms.IsEmpty;

    /// <summary>The same selector of fields under other names.</summary>
    public FieldSelector WithNames(Func<string, string> rename) => new([.. Terms.Select(t => t with { Field = rename(t.Field) })]);

    /// <param name="lookup">A field's value as text; a field that is absent counts as empty, as on an API server.</param>
    public bool Matches(Func<string, string?> lookup)
    {
        foreach (var term in Terms)
        {
            if (((lookup(term.Field) ?? "") == term.Value) == term.Negated) return false;
        }

        return true;
    }

    /// <summary>Matches by looking the fields up in an object's JSON, path steps parted by dots.</summary>
    public bool Matches(JsonElement root) => Matches(field => Lookup(root, field));

    /// <summary>The text of a scalar field; null when absent, null or no scalar.</summary>
    public static string? Lookup(JsonElement root, string field) => root.At(field.Split('.')) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        { ValueKind: JsonValueKind.True } => "true",
        { ValueKind: JsonValueKind.False } => "false",
        _ => null,
    };

    /// <summary>The value that a term asks this field to equal, if one does (<c>metadata.name=x</c> lets a server look up one object).</summary>
    public string? RequiredValue(string field)
    {
        foreach (var term in Terms)
        {
            if (term.Field == field && !term.Negated) return term.Value;
        }

        return null;
    }

    /// <exception cref="FormatException">The text is no field selector.</exception>
    public static FieldSelector Parse(string text) =>
        TryParse(text, out var selector, out var error) ? selector : throw new FormatException(error);

    public static bool TryParse(string text, [NotNullWhen(true)] out FieldSelector? selector, [NotNullWhen(false)] out string? error)
    {
        selector = null;
        error = null;
        var terms = ImmutableArray.CreateBuilder<FieldTerm>();
        foreach (var part in Split(text))
        {
            if (part.Length == 0) continue;
            if (ReadTerm(part, out var fault) is not { } term)
            {
                error = fault!;
                return false;
            }

            terms.Add(term);
        }

        selector = new FieldSelector(terms.ToImmutable());
        return true;
    }

    private static FieldTerm? ReadTerm(string part, out string? error)
    {
        var sign = part.IndexOfAny(['=', '!']);
        var length = sign < 0 ? 0 : part[sign..] switch
        {
            ['!', '=', ..] or ['=', '=', ..] => 2,
            ['=', ..] => 1,
            _ => 0,
        };
        if (length == 0 || sign == 0)
        {
            error = $"invalid selector: '{part}'; can't understand '{part}'";
            return null;
        }

        return Unescape(part[(sign + length)..], out error) is { } value ? new FieldTerm(part[..sign], value, part[sign] == '!') : null;
    }

    private static IEnumerable<string> Split(string text)
    {
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == ',')
            {
                yield return text[start..i];
                start = i + 1;
            }
        }

        yield return text[start..];
    }

    private static string? Unescape(string value, out string? error)
    {
        error = null;
        if (value.IndexOfAny(['\\', '=']) < 0) return value;
        var plain = new StringBuilder();
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '\\' && i + 1 < value.Length && value[i + 1] is '\\' or ',' or '=') plain.Append(value[++i]);
            else if (value[i] is '\\' or '=')
            {
                error = $"invalid field selector: '{value}': unescaped '{value[i]}'; write '\\{value[i]}'";
                return null;
            }
            else plain.Append(value[i]);
        }

        return plain.ToString();
    }

    public override string ToString() => string.Join(",", Terms);
}

/// <summary>One term of a <see cref="FieldSelector"/>.</summary>
public sealed record FieldTerm(string Field, string Value, bool Negated)
{
    public override string ToString() =>
        $"{Field}{(Negated ? "!=" : "=")}{Value.Replace("\\", "\\\\").Replace(",", "\\,").Replace("=", "\\=")}";
}
