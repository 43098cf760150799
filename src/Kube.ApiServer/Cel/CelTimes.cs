using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using static Kube.ApiServer.CelOperators;

namespace Kube.ApiServer;

/// <summary>Functions of times and durations; times are seen in UTC.</summary>
internal static class CelTimes
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    public static readonly ImmutableArray<CelOverload> All =
    [
        CelFunctions.Global("timestamp", CelType.Timestamp, static a => ReadTime(Text(a[0])) ?? throw CelConversions.Unreadable(a[0], "timestamp"), CelType.Text),
        CelFunctions.Global("timestamp", CelType.Timestamp, static a => a[0], CelType.Timestamp),
        CelFunctions.Global("timestamp", CelType.Timestamp, static a => new CelValue.Timestamp(DateTimeOffset.FromUnixTimeSeconds(Int(a[0]))), CelType.Int),
        CelFunctions.Global("duration", CelType.Duration, static a => ReadDuration(Text(a[0])) ?? throw CelConversions.Unreadable(a[0], "duration"), CelType.Text),
        CelFunctions.Global("duration", CelType.Duration, static a => a[0], CelType.Duration),
        Part("getFullYear", static t => t.Year),
        Part("getMonth", static t => t.Month - 1),
        Part("getDate", static t => t.Day),
        Part("getDayOfMonth", static t => t.Day - 1),
        Part("getDayOfWeek", static t => (int)t.DayOfWeek),
        Part("getDayOfYear", static t => t.DayOfYear - 1),
        Part("getHours", static t => t.Hour),
        Part("getMinutes", static t => t.Minute),
        Part("getSeconds", static t => t.Second),
        Part("getMilliseconds", static t => t.Millisecond),
        CelFunctions.Member("getHours", CelType.Int, static a => new CelValue.Int((long)Span(a[0]).TotalHours), CelType.Duration),
        CelFunctions.Member("getMinutes", CelType.Int, static a => new CelValue.Int((long)Span(a[0]).TotalMinutes), CelType.Duration),
        CelFunctions.Member("getSeconds", CelType.Int, static a => new CelValue.Int((long)Span(a[0]).TotalSeconds), CelType.Duration),
    ];

    public static CelValue? ReadTime(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? new CelValue.Timestamp(time) : null;

    /// <summary>Go's form: <c>1h30m</c>, <c>1.5s</c>, <c>-300ms</c>.</summary>
    public static CelValue? ReadDuration(string text)
    {
        var rest = text.AsSpan();
        var sign = 1;
        if (rest is ['-' or '+', ..])
        {
            sign = rest[0] == '-' ? -1 : 1;
            rest = rest[1..];
        }

        if (rest is "0") return new CelValue.Duration(TimeSpan.Zero);
        if (rest.IsEmpty) return null;
        var total = 0.0;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return null;
            rest = rest[digits..];
            var end = rest.IndexOfAny(NumberCharacters);
            if (end < 0) end = rest.Length;
            if (SecondsOf(rest[..end]) is not { } seconds) return null;
            total += number * seconds;
            rest = rest[end..];
        }

        return total < TimeSpan.MaxValue.TotalSeconds ? new CelValue.Duration(TimeSpan.FromSeconds(sign * total)) : null;
    }

    private static double? SecondsOf(ReadOnlySpan<char> unit) => unit switch
    {
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        "ms" => 1e-3,
        "us" or "µs" => 1e-6,
        "ns" => 1e-9,
        _ => null,
    };

    private static CelOverload Part(string name, Func<DateTime, int> part) =>
        CelFunctions.Member(name, CelType.Int, a => new CelValue.Int(part(Time(a[0]).UtcDateTime)), CelType.Timestamp);
}
