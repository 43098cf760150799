using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>Reads what a job asks for by annotations (<see cref="KubeMpiAnnotations"/>); faults go to the manifest's reader.</summary>
internal sealed class AnnotationReader(JsonElement annotations, FieldReader reader)
{
    /// <summary>Null where it is absent or empty.</summary>
    public string? Text(string key) => Read(key) is { Length: > 0 } text ? text : null;

    public string? Choice(string key, ImmutableArray<string> choices)
    {
        var value = Read(key);
        if (value is null || choices.Contains(value)) return value;
        reader.Add(FieldError.NotSupported(Path(key), value, choices, $"Write {string.Join(" or ", choices.Select(static c => $"\"{c}\""))}."));
        return null;
    }

    /// <summary>For annotations of which a dialect's jobs can have but one value; the others are refused with the reason.</summary>
    /// <returns>Whether it stands there.</returns>
    public bool Only(string key, string only, string reason)
    {
        var value = Read(key);
        if (value is null || value == only) return value is not null;
        reader.Add(FieldError.Invalid(Path(key), $"\"{value}\"", $"must be \"{only}\" for this kind of job: {reason}", "Leave it out."));
        return false;
    }

    public int? Seconds(string key)
    {
        if (Read(key) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return seconds;
        reader.Add(FieldError.Invalid(Path(key), $"\"{text}\"", "must be a whole number of seconds, 0 or more", "Write for example \"86400\"."));
        return null;
    }

    private string? Read(string key) => reader.Text(annotations, key, Path(key));

    private static string Path(string key) => $"metadata.annotations[{key}]";
}
