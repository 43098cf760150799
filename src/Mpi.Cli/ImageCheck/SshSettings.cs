using System.Collections.Immutable;

namespace Mpi.Cli;

/// <summary>
/// Settings of OpenSSH, client's or server's, as they hold for every host: keywords in any case, the first value of a keyword counts, other files
/// come in by <c>Include</c>, and what stands under <c>Host</c> or <c>Match</c> holds for all only under <c>Host *</c> or <c>Match all</c> (ssh_config(5), sshd_config(5)).
/// </summary>
public sealed class SshSettings
{
    /// <summary>As deep as OpenSSH goes.</summary>
    private const int IncludeDepthMax = 16;

    private readonly Dictionary<string, (string Value, string File)> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(string Value, string File)> _hostKeys = [];

    private SshSettings(string file) => File = file;

    /// <summary>Where reading began.</summary>
    public string File { get; }

    /// <summary>Of a server, in order; relative to nothing, with <c>~</c> as it stands.</summary>
    public IReadOnlyList<string> HostKeys => [.. _hostKeys.Select(static k => k.Value)];

    public static SshSettings Read(RootFiles files, string file)
    {
        var settings = new SshSettings(file);
        settings.Take(files, file, 0);
        return settings;
    }

    public string? this[string keyword] => _values.TryGetValue(keyword, out var found) ? found.Value : null;

    public bool IsYes(string keyword, bool otherwise) => this[keyword] is { } value ? value.ToLowerInvariant() is "yes" or "true" : otherwise;

    /// <summary>The file in which a keyword is set, else the one in which it would be.</summary>
    public string Place(string keyword) => _values.TryGetValue(keyword, out var found) ? found.File : File;

    private void Take(RootFiles files, string file, int depth)
    {
        var forAll = true;
        foreach (var line in files.Lines(file))
        {
            if (Words(line) is not [var keyword, .. var values]) continue;
            switch (keyword.ToLowerInvariant())
            {
                case "host":
                    forAll = values.Contains("*") && !values.Any(static v => v.StartsWith('!'));
                    break;
                case "match":
                    forAll = values is [var all] && all.Equals("all", StringComparison.OrdinalIgnoreCase);
                    break;
                case "include" when forAll && depth < IncludeDepthMax:
                    foreach (var included in values.SelectMany(pattern => Expand(files, pattern))) Take(files, included, depth + 1);
                    break;
                case "hostkey" when forAll && values.Length > 0:
                    _hostKeys.Add((values[0], file));
                    break;
                default:
                    if (forAll && values.Length > 0) _values.TryAdd(keyword, (string.Join(' ', values), file));
                    break;
            }
        }
    }

    /// <summary>A path, or a pattern in its last step; relative ones are below <c>/etc/ssh</c>.</summary>
    private static IEnumerable<string> Expand(RootFiles files, string pattern)
    {
        var path = pattern.StartsWith('/') ? pattern : $"/etc/ssh/{pattern}";
        var (folder, last) = (path[..path.LastIndexOf('/')], path[(path.LastIndexOf('/') + 1)..]);
        return files.Names(folder).Where(name => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(last, name, ignoreCase: false)).Select(name => $"{folder}/{name}");
    }

    /// <summary><c>Keyword value "value with blanks"</c> or <c>Keyword=value</c>; <c>#</c> begins a comment.</summary>
    private static ImmutableArray<string> Words(string line)
    {
        var words = ImmutableArray.CreateBuilder<string>();
        for (var at = 0; at < line.Length;)
        {
            if (char.IsWhiteSpace(line[at]) || (line[at] == '=' && words.Count == 1))
            {
                at++;
                continue;
            }

            if (line[at] == '#') break;
            var quoted = line[at] == '"';
            var start = quoted ? at + 1 : at;
            var end = start;
            while (end < line.Length && (quoted ? line[end] != '"' : !char.IsWhiteSpace(line[end]) && !(words.Count == 0 && line[end] == '='))) end++;
            words.Add(line[start..end]);
            at = quoted ? end + 1 : end;
        }

        return words.ToImmutable();
    }
}
