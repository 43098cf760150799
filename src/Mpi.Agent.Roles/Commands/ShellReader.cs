using System.Buffers;
using System.Collections.Immutable;
using System.Text;

namespace Mpi.Agent.Roles;

/// <summary>
/// Reads simple commands (POSIX, Shell Command Language): quotes, <c>;</c>, assignments, <c>export</c>, <c>cd</c> and parameters
/// as <c>$V</c>, <c>${V}</c>, <c>${V:-x}</c>, <c>${V:+x}</c>. Whatever else is in a line makes the whole of it a shell's. One instance reads one
/// line.
/// </summary>
internal sealed class ShellReader(string line, Func<string, string?> variable)
{
    /// <summary>Characters that mean something to a shell outside quotes and that are not read here.</summary>
    private static readonly SearchValues<char> Operators = SearchValues.Create("&|<>()`*?[]{}\n\r");

    /// <summary>What makes more than one word, or names of files, of an unquoted parameter.</summary>
    private static readonly SearchValues<char> Splitting = SearchValues.Create(" \t\n*?[");

    /// <summary>What is more than text in the replacement of a parameter.</summary>
    private static readonly SearchValues<char> NotPlain = SearchValues.Create("$`'\"\\{ \t");

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    /// <summary>Words that are no programs: reserved ones, and builtins that act on the shell itself.</summary>
    private static readonly ImmutableHashSet<string> ShellsOwn = ImmutableHashSet.Create(StringComparer.Ordinal,
        "!", "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "function", "select", "time", "coproc",
        ".", ":", "alias", "bg", "break", "builtin", "command", "continue", "eval", "exit", "fg", "getopts", "hash", "jobs", "let", "local",
        "read", "readonly", "return", "set", "setenv", "shift", "source", "times", "trap", "type", "ulimit", "umask", "unalias", "unset", "wait");

    private readonly Dictionary<string, string> _assigned = new(StringComparer.Ordinal);
    private readonly HashSet<string> _exported = new(StringComparer.Ordinal);
    private int _at;
    private string? _why;
    private string? _directory;

    public ShellLine Read()
    {
        ImmutableArray<string> argv = [];
        while (_why is null && SkipBlanks())
        {
            if (line[_at] == ';')
            {
                Refuse("an empty command");
                break;
            }

            if (!argv.IsEmpty) Refuse("more than one command");
            argv = ReadCommand();
            // The separator; two in a row are for the next round to refuse.
            if (_why is null && _at < line.Length) _at++;
        }

        if (_why is null && argv.IsEmpty) Refuse("no command");
        return _why is { } why ? new ShellLine.NeedsShell(why) : new ShellLine.Command(argv, Environment(), _directory);
    }

    private ImmutableSortedDictionary<string, string> Environment() =>
        _assigned.Where(a => _exported.Contains(a.Key) || variable(a.Key) is not null).ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Up to the next <c>;</c>: what it starts, or nothing where it only sets the shell's own state.</summary>
    private ImmutableArray<string> ReadCommand()
    {
        var argv = ImmutableArray.CreateBuilder<string>();
        var assigns = 0;
        while (_why is null && SkipBlanks() && line[_at] != ';')
        {
            if (argv.Count == 0 && ReadAssignment())
            {
                assigns++;
                continue;
            }

            var export = argv is ["export", ..];
            if (ReadWord(inAssignment: export) is { } word) argv.Add(word);
        }

        switch (argv.ToArray())
        {
            case []:
                return [];
            case [_, ..] when assigns > 0:
                // Valid for that command alone: nobody sends it, and a shell knows the fine print.
                return Refuse("an assignment before a command");
            case ["export", .. var names]:
                foreach (var name in names) Export(name);
                return [];
            case ["cd", var directory]:
                if (directory is "" or "-" || variable("CDPATH") is { Length: > 0 }) Refuse("cd");
                _directory = Path.Combine(_directory ?? "", directory);
                return [];
            case ["exec", var program, ..] when !program.StartsWith('-'):
                argv.RemoveAt(0);
                break;
        }

        return ShellsOwn.Contains(argv[0]) || argv[0] is "" or "cd" or "exec" ? Refuse($"\"{argv[0]}\"") : argv.ToImmutable();
    }

    private void Export(string word)
    {
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? word : word[..equals];
        if (!IsName(name)) Refuse($"export {word}");
        if (equals >= 0) _assigned[name] = word[(equals + 1)..];
        _exported.Add(name);
    }

    private bool ReadAssignment()
    {
        var end = _at;
        while (end < line.Length && IsNameCharacter(line[end])) end++;
        if (end == line.Length || line[end] != '=' || !IsName(line.AsSpan(_at, end - _at))) return false;
        var name = line[_at..end];
        _at = end + 1;
        _assigned[name] = ReadWord(inAssignment: true) ?? "";
        return true;
    }

    /// <summary>One word with its quotes removed and its parameters expanded; null for one that expands to no word at all.</summary>
    private string? ReadWord(bool inAssignment)
    {
        var word = new StringBuilder();
        var exists = inAssignment;
        var start = _at;
        while (_why is null && _at < line.Length && line[_at] is not (' ' or '\t' or ';'))
        {
            var c = line[_at++];
            switch (c)
            {
                case '\'':
                    exists = true;
                    ReadSingleQuoted(word);
                    break;
                case '"':
                    exists = true;
                    ReadDoubleQuoted(word);
                    break;
                case '\\':
                    exists = true;
                    if (_at == line.Length || line[_at] == '\n') Refuse("a line that goes on");
                    else word.Append(line[_at++]);
                    break;
                case '$':
                    var value = ReadParameter();
                    if (!inAssignment && value.AsSpan().ContainsAny(Splitting)) Refuse("an unquoted parameter that is more than one word");
                    exists |= value.Length > 0;
                    word.Append(value);
                    break;
                case '#' when _at == start + 1:
                    Refuse("a comment");
                    break;
                case '~' when _at == start + 1 || (inAssignment && line[_at - 2] is '=' or ':'):
                    Refuse("~");
                    break;
                case var other when Operators.Contains(other):
                    Refuse(other is '\n' or '\r' ? "a line break" : $"an unquoted {other}");
                    break;
                default:
                    exists = true;
                    word.Append(c);
                    break;
            }
        }

        return exists ? word.ToString() : null;
    }

    private void ReadSingleQuoted(StringBuilder word)
    {
        var end = line.IndexOf('\'', _at);
        if (end < 0)
        {
            Refuse("an open quote");
            return;
        }

        word.Append(line, _at, end - _at);
        _at = end + 1;
    }

    private void ReadDoubleQuoted(StringBuilder word)
    {
        while (_why is null)
        {
            if (_at == line.Length)
            {
                Refuse("an open quote");
                return;
            }

            var c = line[_at++];
            switch (c)
            {
                case '"':
                    return;
                case '`':
                    Refuse("a command substitution");
                    break;
                case '$':
                    word.Append(ReadParameter());
                    break;
                case '\\' when _at < line.Length && line[_at] is '$' or '`' or '"' or '\\':
                    word.Append(line[_at++]);
                    break;
                case '\\' when _at < line.Length && line[_at] == '\n':
                    Refuse("a line that goes on");
                    break;
                default:
                    word.Append(c);
                    break;
            }
        }
    }

    /// <summary>What stands behind a <c>$</c>.</summary>
    private string ReadParameter()
    {
        if (_at == line.Length || line[_at] is ' ' or '\t' or ';' or '"') return "$";
        if (line[_at] != '{')
        {
            var start = _at;
            while (_at < line.Length && IsNameCharacter(line[_at])) _at++;
            if (IsName(line.AsSpan(start, _at - start))) return Value(line[start.._at]) ?? "";
            Refuse("a special parameter or a substitution");
            return "";
        }

        var end = line.IndexOf('}', _at);
        if (end < 0)
        {
            Refuse("an open ${");
            return "";
        }

        var text = line[(_at + 1)..end];
        _at = end + 1;
        var length = 0;
        while (length < text.Length && IsNameCharacter(text[length])) length++;
        var (name, rest) = (text[..length], text[length..]);
        if (!IsName(name) || rest.AsSpan().ContainsAny(NotPlain))
        {
            Refuse($"${{{text}}}");
            return "";
        }

        var value = Value(name);
        return rest switch
        {
            "" => value ?? "",
            [':', '-', .. var other] => string.IsNullOrEmpty(value) ? other : value,
            ['-', .. var other] => value ?? other,
            [':', '+', .. var other] => string.IsNullOrEmpty(value) ? "" : other,
            ['+', .. var other] => value is null ? "" : other,
            _ => RefuseText($"${{{text}}}"),
        };
    }

    private string? Value(string name) => _assigned.GetValueOrDefault(name) ?? variable(name);

    private bool SkipBlanks()
    {
        while (_at < line.Length && line[_at] is ' ' or '\t') _at++;
        return _at < line.Length;
    }

    private static bool IsName(ReadOnlySpan<char> text) => text.Length > 0 && !char.IsAsciiDigit(text[0]) && !text.ContainsAnyExcept(NameCharacters);

    private static bool IsNameCharacter(char c) => NameCharacters.Contains(c);

    private ImmutableArray<string> Refuse(string why)
    {
        _why ??= why;
        return [];
    }

    private string RefuseText(string why)
    {
        Refuse(why);
        return "";
    }
}
