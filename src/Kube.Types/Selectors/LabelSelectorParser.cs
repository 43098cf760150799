using System.Collections.Immutable;

namespace Kube.Types;

/// <summary>
/// The string form of a label selector, <c>x in (a,,b),y notin (c),z=1,w!=2,!v,u&gt;3</c>: requirements joined by commas,
/// blanks between words without meaning, an empty value allowed.
/// </summary>
internal ref struct LabelSelectorParser
{
    private readonly string _text;
    private int _at;

    private LabelSelectorParser(string text) => _text = text;

    /// <returns>The fault, or null.</returns>
    public static string? Parse(string text, out List<LabelRequirement> requirements)
    {
        requirements = [];
        var parser = new LabelSelectorParser(text);
        if (parser.Peek().Length == 0) return null;
        while (true)
        {
            if (parser.Requirement(requirements) is { } fault) return $"unable to parse label selector {Quote(text)}: {fault}";
            var after = parser.Next();
            if (after.Length == 0) return null;
            if (after != ",") return $"unable to parse label selector {Quote(text)}: found {Quote(after)}, expected: ',' or the end";
            if (parser.Peek().Length == 0) return $"unable to parse label selector {Quote(text)}: found the end, expected: a key after ','";
        }
    }

    private string? Requirement(List<LabelRequirement> requirements)
    {
        var key = Next();
        var absent = key == "!";
        if (absent) key = Next();
        if (!IsWord(key)) return $"found {Found(key)}, expected: a label key{(absent ? " after '!'" : "")}";
        if (Names.CheckQualifiedName(key) is [var fault, ..]) return $"key {Quote(key)}: {fault}";
        if (absent || Peek() is "" or ",")
        {
            requirements.Add(new(key, absent ? LabelOperator.DoesNotExist : LabelOperator.Exists, []));
            return null;
        }

        var operation = Next();
        ImmutableArray<string> values;
        switch (operation)
        {
            case "=" or "==" or "!=" or ">" or "<":
                values = [IsWord(Peek()) ? Next() : ""];
                break;
            case "in" or "notin":
                if (Set(out values) is { } broken) return broken;
                break;
            default:
                return $"found {Quote(operation)}, expected: in, notin, =, ==, !=, >, <";
        }

        foreach (var value in values)
        {
            if (Names.CheckLabelValue(value) is [var invalid, ..]) return $"value {Quote(value)} of {Quote(key)}: {invalid}";
        }

        if (operation is ">" or "<" && !long.TryParse(values[0], out _))
        {
            return $"value {Quote(values[0])} of {Quote(key)}: for '{operation}' the value must be an integer";
        }

        requirements.Add(new(key, Operators[operation], values));
        return null;
    }

    private string? Set(out ImmutableArray<string> values)
    {
        values = [];
        if (Next() is var open && open != "(") return $"found {Found(open)}, expected: '('";
        var read = ImmutableArray.CreateBuilder<string>();
        while (true)
        {
            // (a,,b) holds the empty value too.
            read.Add(IsWord(Peek()) ? Next() : "");
            var after = Next();
            if (after == ")") break;
            if (after != ",") return $"found {Found(after)}, expected: ',' or ')'";
        }

        values = [.. read.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return null;
    }

    private static readonly ImmutableDictionary<string, LabelOperator> Operators = new Dictionary<string, LabelOperator>
    {
        ["="] = LabelOperator.In,
        ["=="] = LabelOperator.In,
        ["in"] = LabelOperator.In,
        ["!="] = LabelOperator.NotIn,
        ["notin"] = LabelOperator.NotIn,
        [">"] = LabelOperator.GreaterThan,
        ["<"] = LabelOperator.LessThan,
    }.ToImmutableDictionary();

    private readonly string Peek()
    {
        var ahead = this;
        return ahead.Next();
    }

    /// <summary>The next word or sign; empty at the end.</summary>
    private string Next()
    {
        while (_at < _text.Length && IsBlank(_text[_at])) _at++;
        if (_at == _text.Length) return "";
        var start = _at;
        if (IsSign(_text[_at]))
        {
            _at++;
            if (_at < _text.Length && _text[_at] == '=' && _text[start] is '=' or '!') _at++;
            return _text[start.._at];
        }

        while (_at < _text.Length && !IsBlank(_text[_at]) && !IsSign(_text[_at])) _at++;
        return _text[start.._at];
    }

    private static bool IsBlank(char c) => c is ' ' or '\t' or '\r' or '\n';

    private static bool IsSign(char c) => c is '=' or '!' or '(' or ')' or ',' or '>' or '<';

    private static bool IsWord(string token) => token.Length > 0 && !IsSign(token[0]);

    private static string Found(string token) => token.Length == 0 ? "the end" : Quote(token);

    private static string Quote(string text) => $"\"{text}\"";
}
