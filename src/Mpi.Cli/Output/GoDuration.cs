using System.Buffers;
using System.Globalization;

namespace Mpi.Cli;

/// <summary>Durations as Go and Kubernetes' tools write them: <c>300ms</c>, <c>90s</c>, <c>1h30m</c>; a bare number is seconds.</summary>
public static class GoDuration
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)) return Scale(seconds, "s", ref duration);
        var rest = text.AsSpan();
        if (rest.IsEmpty) return false;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(Digits);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
            rest = rest[digits..];
            var letters = rest.IndexOfAny(Digits);
            var unit = letters < 0 ? rest : rest[..letters];
            if (!Scale(number, unit, ref duration)) return false;
            rest = rest[unit.Length..];
        }

        return true;
    }

    private static bool Scale(double number, ReadOnlySpan<char> unit, ref TimeSpan total)
    {
        double? milliseconds = unit switch { "h" => 3_600_000, "m" => 60_000, "s" => 1_000, "ms" => 1, _ => null };
        // A hundred years is longer than any run and well within what a TimeSpan holds.
        if (milliseconds is not { } scale || number * scale > 3.2e12) return false;
        total += TimeSpan.FromMilliseconds(number * scale);
        return true;
    }
}
