using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Kube.Types;

/// <summary>
/// Lenient reading of JSON: a path that leads nowhere, or to a value of another type, reads as absent and never throws.
/// A path is written as its steps, <c>pod.Text("spec", "nodeName")</c>; steps name object members only.
/// </summary>
public static class JsonReading
{
    /// <summary>The value at the path, or an element of kind <see cref="JsonValueKind.Undefined"/>.</summary>
    public static JsonElement At(this JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var step in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(step, out element)) return default;
        }

        return element;
    }

    /// <summary>Whether the path leads to a value other than null.</summary>
    public static bool Has(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path).ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    public static string? Text(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static long? Integer(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : null;

    public static bool? Flag(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path).ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null };

    /// <summary>An RFC 3339 time, as Kubernetes writes <c>metav1.Time</c> and <c>MicroTime</c>.</summary>
    public static DateTimeOffset? Time(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.Text(path) is { } text
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;

    /// <summary>The elements of an array; none when the path leads to no array.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : [];

    /// <summary>The strings of an array, such as a command; what is no string reads as it is written.</summary>
    public static ImmutableArray<string> Words(this JsonElement element, params ReadOnlySpan<string> path) =>
        [.. element.Items(path).Select(static w => w.ValueKind == JsonValueKind.String ? w.GetString()! : w.GetRawText())];

    /// <summary>The members of an object; none when the path leads to no object.</summary>
    public static IEnumerable<JsonProperty> Members(this JsonElement element, params ReadOnlySpan<string> path) =>
        element.At(path) is { ValueKind: JsonValueKind.Object } value ? value.EnumerateObject() : [];

    /// <summary>A map of strings, such as labels; members that are no strings are left out.</summary>
    public static ImmutableDictionary<string, string> TextMap(this JsonElement element, params ReadOnlySpan<string> path)
    {
        var members = element.At(path);
        if (members.ValueKind != JsonValueKind.Object) return ImmutableDictionary<string, string>.Empty;
        var map = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var member in members.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.String) map[member.Name] = member.Value.GetString()!;
        }

        return map.ToImmutable();
    }
}
