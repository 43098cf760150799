using System.Text;
using System.Text.Json;

namespace Kube.Types;

/// <summary>Writes JSON as YAML in kubectl's layout: lists as deep as their key, long text as literal blocks.</summary>
internal sealed class YamlWriter
{
    private readonly StringBuilder _text = new();

    public static string Write(JsonElement value)
    {
        var writer = new YamlWriter();
        writer.Top(value);
        return writer._text.ToString();
    }

    private void Top(JsonElement value)
    {
        if (IsBlock(value)) Block(value, 0);
        else
        {
            Scalar(value, 0);
            _text.Append('\n');
        }
    }

    /// <summary>Writes a map or list that is not empty; the cursor stands where its first line begins.</summary>
    private void Block(JsonElement value, int indent)
    {
        var first = true;
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
            {
                Indent(indent, ref first);
                _text.Append('-');
                if (IsBlock(item))
                {
                    _text.Append(' ');
                    Block(item, indent + 2);
                }
                else Inline(item, indent);
            }

            return;
        }

        foreach (var member in value.EnumerateObject())
        {
            Indent(indent, ref first);
            Key(member.Name);
            _text.Append(':');
            if (IsBlock(member.Value))
            {
                var deeper = member.Value.ValueKind == JsonValueKind.Array ? indent : indent + 2;
                _text.Append('\n').Append(' ', deeper);
                Block(member.Value, deeper);
            }
            else Inline(member.Value, indent);
        }
    }

    private void Indent(int indent, ref bool first)
    {
        if (!first) _text.Append(' ', indent);
        first = false;
    }

    private void Inline(JsonElement value, int indent)
    {
        _text.Append(' ');
        Scalar(value, indent);
        _text.Append('\n');
    }

    private static bool IsBlock(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().MoveNext(),
        JsonValueKind.Array => value.GetArrayLength() > 0,
        _ => false,
    };

    private void Scalar(JsonElement value, int indent)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                _text.Append("{}");
                break;
            case JsonValueKind.Array:
                _text.Append("[]");
                break;
            case JsonValueKind.String:
                Text(value.GetString()!, indent);
                break;
            case JsonValueKind.Undefined:
                _text.Append("null");
                break;
            default:
                _text.Append(value.GetRawText());
                break;
        }
    }

    /// <summary>
    /// A key longer than 1024 characters must be announced by <c>?</c>, or no YAML reader takes it. One whose last word begins with
    /// an asterisk is taken for an alias by the reader that we use ourselves.
    /// </summary>
    private void Key(string name)
    {
        if (name.Length > 512) _text.Append("? ");
        if (IsPlain(name) && !name.Contains(" *")) _text.Append(name);
        else Quoted(name);
        if (name.Length > 512) _text.Append('\n');
    }

    private void Text(string text, int indent)
    {
        if (IsPlain(text)) _text.Append(text);
        else if (IsLiteral(text)) Literal(text, indent + 2);
        else Quoted(text);
    }

    /// <summary>Whether the text, written bare, reads back as itself: a word that cannot be taken for anything else.</summary>
    private static bool IsPlain(string text)
    {
        if (text.Length == 0 || text[0] == ' ' || text[^1] is ' ' or ':') return false;
        if (YamlScalar.IsNull(text) || YamlScalar.Boolean(text) is not null || YamlScalar.Number(text) is not null) return false;
        if ("-?:,[]{}#&*!|>'\"%@`=<~.+0123456789".Contains(text[0]) && !IsPlainDespiteFirst(text)) return false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is < ' ' or > '~') return false;
            if (text[i] == ':' && text[i + 1] == ' ') return false;
            if (text[i] == '#' && i > 0 && text[i - 1] == ' ') return false;
        }

        return true;
    }

    /// <summary>
    /// Options and relative paths (<c>-n</c>, <c>./a</c>) and words that begin with a digit (<c>2Gi</c>, <c>10.0.0.1</c>) stay bare; what another
    /// reader could take for a date, a time or a number of base 60 is quoted.
    /// </summary>
    private static bool IsPlainDespiteFirst(string text) => text[0] switch
    {
        '-' => text.Length > 1 && (char.IsAsciiLetter(text[1]) || (text[1] == '-' && text.Length > 2 && text[2] != '-')),
        '.' => text.Length > 1 && text[1] == '/',
        '<' => text != "<<" && text.Length > 1,
        >= '0' and <= '9' => !text.All(static c => char.IsAsciiHexDigit(c) || c is '-' or ':' or '_' or '+' or '.' or 'T' or 't' or 'Z' or 'z' or 'x' or 'o' or ' ')
            || (text.Count(static c => c == '.') == 3 && text.All(static c => char.IsAsciiDigit(c) || c == '.')),
        _ => false,
    };

    private static bool IsLiteral(string text)
    {
        if (!text.Contains('\n') || text[0] is ' ' or '\n' or '\t') return false;
        foreach (var c in text)
        {
            if (c is (< ' ' and not '\n' and not '\t') or '\u007f' or (>= '\u0080' and < '\u00a0') or '\u2028' or '\u2029' or '\ufeff' or '\ufffe' or '\uffff' || char.IsSurrogate(c)) return false;
        }

        // A line of blanks alone reads back shorter in some readers, and one that begins with a tab differently.
        return !text.Split('\n').Any(static l => l.Length > 0 && (string.IsNullOrWhiteSpace(l) || l[0] == '\t'));
    }

    private void Literal(string text, int indent)
    {
        var body = text.TrimEnd('\n');
        _text.Append('|').Append((text.Length - body.Length) switch { 0 => "-", 1 => "", _ => "+" });
        foreach (var line in body.Split('\n'))
        {
            _text.Append('\n');
            if (line.Length > 0) _text.Append(' ', indent).Append(line);
        }

        // The last line feed is the caller's.
        for (var extra = text.Length - body.Length; extra > 1; extra--) _text.Append('\n');
    }

    private void Quoted(string text)
    {
        _text.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => _text.Append("\\\""),
                '\\' => _text.Append("\\\\"),
                '\n' => _text.Append("\\n"),
                '\t' => _text.Append("\\t"),
                '\r' => _text.Append("\\r"),
                (>= ' ' and < '\u007f') or (>= '\u00a0' and not '\u2028' and not '\u2029' and not '\ufeff' and < '\ufffe') => _text.Append(c),
                _ => _text.Append($"\\u{(int)c:x4}"),
            };
        }

        _text.Append('"');
    }
}
