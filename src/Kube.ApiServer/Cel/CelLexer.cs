using System.Globalization;
using System.Text;

namespace Kube.ApiServer;

internal enum CelTokenKind { End, Identifier, Symbol, Literal }

/// <param name="Text">An identifier's name, or a symbol.</param>
/// <param name="Value">A literal's value.</param>
internal sealed record CelToken(CelTokenKind Kind, int At, string Text, CelValue? Value = null);

/// <summary>Cuts an expression into tokens (the lexical part of the CEL specification).</summary>
internal ref struct CelLexer(string text)
{
    private static readonly string[] Pairs = ["==", "!=", "<=", ">=", "&&", "||"];
    private int _at;

    public CelToken Next()
    {
        SkipSpace();
        if (_at >= text.Length) return new CelToken(CelTokenKind.End, _at, "");
        var c = text[_at];
        if (IsQuoted(out var prefix)) return Quoted(prefix);
        if (char.IsAsciiLetter(c) || c == '_') return Word();
        if (char.IsAsciiDigit(c) || (c == '.' && _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1]))) return Number();
        foreach (var pair in Pairs)
        {
            if (text.AsSpan(_at).StartsWith(pair)) return Symbol(2);
        }

        if ("+-*/%!<>?:.,()[]{}".Contains(c, StringComparison.Ordinal)) return Symbol(1);
        throw new CelCompileException(text, _at, $"Syntax error: token recognition error at: '{c}'");
    }

    private void SkipSpace()
    {
        while (_at < text.Length)
        {
            if (char.IsWhiteSpace(text[_at])) _at++;
            else if (text.AsSpan(_at).StartsWith("//"))
            {
                var end = text.IndexOf('\n', _at);
                _at = end < 0 ? text.Length : end;
            }
            else
            {
                return;
            }
        }
    }

    private CelToken Symbol(int length)
    {
        _at += length;
        return new CelToken(CelTokenKind.Symbol, _at - length, text.Substring(_at - length, length));
    }

    private CelToken Word()
    {
        var start = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_')) _at++;
        var word = text[start.._at];
        return word switch
        {
            "true" => new CelToken(CelTokenKind.Literal, start, word, new CelValue.Bool(true)),
            "false" => new CelToken(CelTokenKind.Literal, start, word, new CelValue.Bool(false)),
            "null" => new CelToken(CelTokenKind.Literal, start, word, CelValue.Null.Value),
            "in" => new CelToken(CelTokenKind.Symbol, start, word),
            _ => new CelToken(CelTokenKind.Identifier, start, word),
        };
    }

    private CelToken Number()
    {
        var start = _at;
        if (text.AsSpan(_at).StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            _at += 2;
            while (_at < text.Length && char.IsAsciiHexDigit(text[_at])) _at++;
            return Whole(start, text[(start + 2).._at], NumberStyles.AllowHexSpecifier);
        }

        while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
        var isWhole = true;
        if (_at + 1 < text.Length && text[_at] == '.' && char.IsAsciiDigit(text[_at + 1]))
        {
            isWhole = false;
            _at++;
            while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
        }

        if (_at < text.Length && text[_at] is 'e' or 'E')
        {
            isWhole = false;
            _at++;
            if (_at < text.Length && text[_at] is '+' or '-') _at++;
            while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
        }

        if (isWhole) return Whole(start, text[start.._at], NumberStyles.None);
        return double.TryParse(text.AsSpan(start, _at - start), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? new CelToken(CelTokenKind.Literal, start, "", new CelValue.Double(number))
            : throw new CelCompileException(text, start, "invalid double literal");
    }

    private CelToken Whole(int start, string digits, NumberStyles style)
    {
        if (_at < text.Length && text[_at] is 'u' or 'U')
        {
            _at++;
            return ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out var positive)
                ? new CelToken(CelTokenKind.Literal, start, "", new CelValue.UInt(positive))
                : throw new CelCompileException(text, start, "invalid uint literal");
        }

        return long.TryParse(digits, style, CultureInfo.InvariantCulture, out var number)
            ? new CelToken(CelTokenKind.Literal, start, "", new CelValue.Int(number))
            : throw new CelCompileException(text, start, "invalid int literal");
    }

    /// <summary>Strings begin with a quote, with <c>r</c> (raw) and <c>b</c> (bytes) before it where they are meant.</summary>
    private readonly bool IsQuoted(out string prefix)
    {
        var at = _at;
        while (at < text.Length && at - _at < 2 && text[at] is 'r' or 'R' or 'b' or 'B') at++;
        prefix = text[_at..at];
        return at < text.Length && text[at] is '"' or '\'';
    }

    private CelToken Quoted(string prefix)
    {
        var start = _at;
        _at += prefix.Length;
        var quote = text[_at];
        var triple = text.AsSpan(_at).StartsWith(new string(quote, 3));
        var close = triple ? new string(quote, 3) : quote.ToString();
        _at += close.Length;
        var raw = prefix.Contains('r', StringComparison.OrdinalIgnoreCase);
        var isBytes = prefix.Contains('b', StringComparison.OrdinalIgnoreCase);
        var value = new StringBuilder();
        while (true)
        {
            if (_at >= text.Length || (!triple && text[_at] == '\n')) throw new CelCompileException(text, start, "Syntax error: unterminated string");
            if (text.AsSpan(_at).StartsWith(close)) break;
            if (text[_at] == '\\' && !raw) Escape(value);
            else value.Append(text[_at++]);
        }

        _at += close.Length;
        return new CelToken(CelTokenKind.Literal, start, "", isBytes ? new CelValue.Bytes(Encoding.UTF8.GetBytes(value.ToString())) : new CelValue.Text(value.ToString()));
    }

    private void Escape(StringBuilder into)
    {
        var start = _at++;
        var c = _at < text.Length ? text[_at++] : '\0';
        switch (c)
        {
            case 'a': into.Append('\a'); break;
            case 'b': into.Append('\b'); break;
            case 'f': into.Append('\f'); break;
            case 'n': into.Append('\n'); break;
            case 'r': into.Append('\r'); break;
            case 't': into.Append('\t'); break;
            case 'v': into.Append('\v'); break;
            case '\\' or '"' or '\'' or '`' or '?': into.Append(c); break;
            case 'x' or 'X': Code(into, start, _at, 2, 16); break;
            case 'u': Code(into, start, _at, 4, 16); break;
            case 'U': Code(into, start, _at, 8, 16); break;
            case >= '0' and <= '3': Code(into, start, _at - 1, 3, 8); break;
            default: throw new CelCompileException(text, start, "Syntax error: unknown escape sequence");
        }
    }

    private void Code(StringBuilder into, int start, int from, int length, int radix)
    {
        _at = from + length;
        try
        {
            if (_at <= text.Length && new Rune(Convert.ToInt32(text.Substring(from, length), radix)) is var rune)
            {
                into.Append(rune.ToString());
                return;
            }
        }
        catch (Exception broken) when (broken is FormatException or ArgumentException or OverflowException)
        {
            throw new CelCompileException(text, start, $"Syntax error: invalid escape sequence: {broken.Message}");
        }

        throw new CelCompileException(text, start, "Syntax error: invalid escape sequence");
    }
}
