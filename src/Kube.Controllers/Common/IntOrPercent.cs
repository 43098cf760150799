using System.Globalization;
using System.Text.Json;

namespace Kube.Controllers;

/// <summary>A number of pods, or a share of them: <c>2</c> or <c>"25%"</c>.</summary>
internal static class IntOrPercent
{
    /// <param name="absent">What counts when nothing readable is given.</param>
    public static int Of(JsonElement value, int total, bool roundUp, int absent)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)) return number;
        if (value.ValueKind != JsonValueKind.String || value.GetString() is not { } text) return absent;
        if (!text.EndsWith('%')) return int.TryParse(text, CultureInfo.InvariantCulture, out var plain) ? plain : absent;
        if (!int.TryParse(text.AsSpan()[..^1], CultureInfo.InvariantCulture, out var percent)) return absent;
        var share = (long)percent * total;
        return (int)((roundUp ? share + 99 : share) / 100);
    }
}
