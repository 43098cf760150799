using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using static Kube.ApiServer.CelOperators;

namespace Kube.ApiServer;

/// <summary>Functions of strings. Positions and lengths count code points, as the language does.</summary>
internal static class CelTexts
{
    private static readonly CelType Texts = new CelType.ListOf(CelType.Text);

    public static readonly ImmutableArray<CelOverload> All =
    [
        CelFunctions.Global("size", CelType.Int, static a => new CelValue.Int(Length(a[0])), CelType.Text),
        CelFunctions.Member("size", CelType.Int, static a => new CelValue.Int(Length(a[0])), CelType.Text),
        CelFunctions.Member("contains", CelType.Bool, static a => new CelValue.Bool(Text(a[0]).Contains(Text(a[1]), StringComparison.Ordinal)), CelType.Text, CelType.Text),
        CelFunctions.Member("startsWith", CelType.Bool, static a => new CelValue.Bool(Text(a[0]).StartsWith(Text(a[1]), StringComparison.Ordinal)), CelType.Text, CelType.Text),
        CelFunctions.Member("endsWith", CelType.Bool, static a => new CelValue.Bool(Text(a[0]).EndsWith(Text(a[1]), StringComparison.Ordinal)), CelType.Text, CelType.Text),
        CelFunctions.Member("matches", CelType.Bool, static a => new CelValue.Bool(Pattern(a[1]).IsMatch(Text(a[0]))), CelType.Text, CelType.Text),
        CelFunctions.Global("matches", CelType.Bool, static a => new CelValue.Bool(Pattern(a[1]).IsMatch(Text(a[0]))), CelType.Text, CelType.Text),
        CelFunctions.Member("find", CelType.Text, static a => new CelValue.Text(Pattern(a[1]).Match(Text(a[0])).Value), CelType.Text, CelType.Text),
        CelFunctions.Member("findAll", Texts, static a => ToList(Pattern(a[1]).Matches(Text(a[0])).Select(static m => m.Value)), CelType.Text, CelType.Text),
        CelFunctions.Member("findAll", Texts, static a => ToList(Pattern(a[1]).Matches(Text(a[0])).Select(static m => m.Value).Take(Limit(a[2]))), CelType.Text, CelType.Text, CelType.Int),
        CelFunctions.Member("lowerAscii", CelType.Text, static a => new CelValue.Text(Ascii(Text(a[0]), char.IsAsciiLetterUpper, static c => (char)(c + 32))), CelType.Text),
        CelFunctions.Member("upperAscii", CelType.Text, static a => new CelValue.Text(Ascii(Text(a[0]), char.IsAsciiLetterLower, static c => (char)(c - 32))), CelType.Text),
        CelFunctions.Member("trim", CelType.Text, static a => new CelValue.Text(Text(a[0]).Trim()), CelType.Text),
        CelFunctions.Member("reverse", CelType.Text, static a => new CelValue.Text(string.Concat(Text(a[0]).EnumerateRunes().Reverse().Select(static r => r.ToString()))), CelType.Text),
        CelFunctions.Member("split", Texts, static a => ToList(Split(Text(a[0]), Text(a[1]), -1)), CelType.Text, CelType.Text),
        CelFunctions.Member("split", Texts, static a => ToList(Split(Text(a[0]), Text(a[1]), Int(a[2]))), CelType.Text, CelType.Text, CelType.Int),
        CelFunctions.Member("join", CelType.Text, static a => new CelValue.Text(string.Concat(Items(a[0]).Select(Text))), Texts),
        CelFunctions.Member("join", CelType.Text, static a => new CelValue.Text(string.Join(Text(a[1]), Items(a[0]).Select(Text))), Texts, CelType.Text),
        CelFunctions.Member("replace", CelType.Text, static a => new CelValue.Text(Replace(Text(a[0]), Text(a[1]), Text(a[2]), -1)), CelType.Text, CelType.Text, CelType.Text),
        CelFunctions.Member("replace", CelType.Text, static a => new CelValue.Text(Replace(Text(a[0]), Text(a[1]), Text(a[2]), Int(a[3]))), CelType.Text, CelType.Text, CelType.Text, CelType.Int),
        CelFunctions.Member("indexOf", CelType.Int, static a => new CelValue.Int(Find(a[0], Text(a[0]).IndexOf(Text(a[1]), StringComparison.Ordinal))), CelType.Text, CelType.Text),
        CelFunctions.Member("lastIndexOf", CelType.Int, static a => new CelValue.Int(Find(a[0], Text(a[0]).LastIndexOf(Text(a[1]), StringComparison.Ordinal))), CelType.Text, CelType.Text),
        CelFunctions.Member("charAt", CelType.Text, static a => new CelValue.Text(Slice(a[0], Int(a[1]), Math.Min(Int(a[1]) + 1, Length(a[0])))), CelType.Text, CelType.Int),
        CelFunctions.Member("substring", CelType.Text, static a => new CelValue.Text(Slice(a[0], Int(a[1]), Length(a[0]))), CelType.Text, CelType.Int),
        CelFunctions.Member("substring", CelType.Text, static a => new CelValue.Text(Slice(a[0], Int(a[1]), Int(a[2]))), CelType.Text, CelType.Int, CelType.Int),
    ];

    private static long Length(CelValue text) => Text(text).EnumerateRunes().Count();

    private static CelValue.List ToList(IEnumerable<string> texts) => new([.. texts.Select(static t => new CelValue.Text(t))]);

    private static int Limit(CelValue value) => Int(value) < 0 ? int.MaxValue : (int)Math.Min(Int(value), int.MaxValue);

    /// <summary>Without backtracking a pattern costs time in proportion to its text, whatever either is.</summary>
    private static Regex Pattern(CelValue pattern)
    {
        try
        {
            return new Regex(Text(pattern), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        }
        catch (Exception broken) when (broken is ArgumentException or NotSupportedException)
        {
            throw new CelException($"error parsing regexp: {broken.Message}");
        }
    }

    private static string Ascii(string text, Func<char, bool> changes, Func<char, char> change) => string.Concat(text.Select(c => changes(c) ? change(c) : c));

    private static IEnumerable<string> Split(string text, string separator, long limit)
    {
        if (limit == 0) return [];
        if (separator.Length == 0) return text.EnumerateRunes().Select(static r => r.ToString());
        return limit < 0 ? text.Split(separator) : text.Split(separator, (int)Math.Min(limit, int.MaxValue));
    }

    private static string Replace(string text, string old, string next, long limit)
    {
        if (limit < 0) return old.Length == 0 ? text : text.Replace(old, next, StringComparison.Ordinal);
        var parts = Split(text, old, limit == long.MaxValue ? limit : limit + 1);
        return string.Join(next, parts);
    }

    private static long Find(CelValue text, int at) => at < 0 ? -1 : Text(text)[..at].EnumerateRunes().Count();

    private static string Slice(CelValue text, long from, long to)
    {
        var length = Length(text);
        if (from < 0 || from > length) throw new CelException($"index out of range: {from.ToString(CultureInfo.InvariantCulture)}");
        if (to < from || to > length) throw new CelException($"index out of range: {to.ToString(CultureInfo.InvariantCulture)}");
        return string.Concat(Text(text).EnumerateRunes().Skip((int)from).Take((int)(to - from)).Select(static r => r.ToString()));
    }
}
