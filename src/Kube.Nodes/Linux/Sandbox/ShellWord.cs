using System.Buffers;

namespace Kube.Nodes.Linux;

/// <summary>Writes values into POSIX shell scripts.</summary>
internal static class ShellWord
{
    private static readonly SearchValues<char> Plain = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:@%+=");

    /// <summary>The value as one word: what the shell hands to a program is the value itself, whatever it holds (NUL cannot occur).</summary>
    public static string Quote(string value) =>
        value.Length > 0 && !value.AsSpan().ContainsAnyExcept(Plain) ? value : $"'{value.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    public static string Join(IEnumerable<string> values) => string.Join(' ', values.Select(Quote));
}
