using System.Collections.Immutable;

namespace Kube.Types;

/// <summary>
/// The string form of a label selector, <c>x in (a,,b),y notin (c),z=1,w!=2,!v,u&gt;3</c>: requirements joined by commas,
/// blanks between words without meaning, an empty value allowed. Faults are worded as a kube-apiserver (1.35) words them.
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
        if (!IsWord(parser.Peek()) && parser.Peek() != "!") return $"found '{parser.Peek()}', expected: !, identifier, or 'end of string'";
        while (true)
        {
            if (parser.Requirement(requirements) is { } fault) return $"unable to parse requirement: {fault}";
            var after = parser.Next();
            if (after.Length == 0) return null;
            if (after != ",") return $"found '{after}', expected: ',' or 'end of string'";
            if (!IsWord(parser.Peek()) && parser.Peek() != "!") return $"found '{parser.Peek()}', expected: identifier after ','";
        }
    }

    private string? Requirement(List<LabelRequirement> requirements)
    {
        var key = Next();
        var absent = key == "!";
        if (absent) key = Next();
        if (!IsWord(key)) return $"found '{key}', expected: identifier";
        if (Names.CheckQualifiedName(key) is [var fault, ..]) return $"key: Invalid value: \"{key}\": {fault}";
        if (absent || Peek() is "" or ",")
        {
            requirements.Add(new(key, absent ? LabelOperator.DoesNotExist : LabelOperator.Exists, []));
            return null;
        }

        var operation = Next();
        if (!Operators.TryGetValue(operation, out var meaning)) return $"found '{operation}', expected: in, notin, =, ==, !=, gt, lt";
        var broken = operation is "in" or "notin" ? Set(out var values) : Single(out values);
        if (broken is not null) return broken;
        for (var i = 0; i < values.Length; i++)
        {
            if (Names.CheckLabelValue(values[i]) is [var invalid, ..]) return $"values[{i}][{key}]: Invalid value: \"{values[i]}\": {invalid}";
        }

        if (operation is ">" or "<" && !long.TryParse(values[0], out _))
        {
            return $"values[0]: Invalid value: \"{values[0]}\": for 'Gt', 'Lt' operators, the value must be an integer";
        }

        requirements.Add(new(key, meaning, values));
        return null;
    }

    private string? Single(out ImmutableArray<string> values)
    {
        values = [""];
        if (Peek() is "" or ",") return null;
        var value = Next();
        if (!IsWord(value)) return $"found '{value}', expected: identifier";
        values = [value];
        return null;
    }

    private string? Set(out ImmutableArray<string> values)
    {
        values = [];
        if (Next() is var open && open != "(") return $"found '{open}' expected: '('";
        var read = ImmutableArray.CreateBuilder<string>();
        while (true)
        {
            // (a,,b) holds the empty value too.
            var empty = !IsWord(Peek());
            read.Add(empty ? "" : Next());
            var after = Next();
            if (after == ")") break;
            if (after != ",") return empty && read.Count > 1 ? $"found '{after}', expected: ',', or identifier" : $"found '{after}', expected: ',' or ')'";
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
}
