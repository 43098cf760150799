using System.Globalization;

namespace Kube.ApiServer;

/// <summary>Durations as kubectl shows them: two units while the first is small, then one (<c>k8s.io/apimachinery/pkg/util/duration</c>).</summary>
internal static class Ages
{
    public static string Since(string? time, DateTimeOffset now) =>
        DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? Short(now - at) : "<unknown>";

    public static string Short(TimeSpan age)
    {
        var seconds = (long)Math.Floor(age.TotalSeconds);
        if (seconds < -1) return "<invalid>";
        if (seconds < 0) return "0s";
        if (seconds < 120) return $"{seconds}s";
        var minutes = seconds / 60;
        if (minutes < 10) return seconds % 60 == 0 ? $"{minutes}m" : $"{minutes}m{seconds % 60}s";
        if (minutes < 180) return $"{minutes}m";
        var hours = minutes / 60;
        if (hours < 8) return minutes % 60 == 0 ? $"{hours}h" : $"{hours}h{minutes % 60}m";
        if (hours < 48) return $"{hours}h";
        if (hours < 192) return hours % 24 == 0 ? $"{hours / 24}d" : $"{hours / 24}d{hours % 24}h";
        if (hours < 24 * 365 * 2) return $"{hours / 24}d";
        var years = hours / 24 / 365;
        if (hours < 24 * 365 * 8) return hours / 24 % 365 == 0 ? $"{years}y" : $"{years}y{hours / 24 % 365}d";
        return $"{years}y";
    }
}
