using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// Reads the fields of a manifest and gathers every fault on the way. An absent or null field reads as null without a
/// fault; one of the wrong type reads as null with one, so that no fault hides another.
/// </summary>
internal sealed class FieldReader
{
    private const int PrintedValueLimit = 128;

    private readonly ImmutableArray<FieldError>.Builder _errors = ImmutableArray.CreateBuilder<FieldError>();

    public ImmutableArray<FieldError> Errors => _errors.ToImmutable();

    public void Add(FieldError error) => _errors.Add(error);

    public string? Text(JsonElement parent, string name, string path)
    {
        var value = parent.At(name);
        if (IsAbsent(value)) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        Fault(value, path, "must be a string", QuoteIt(value));
        return null;
    }

    public bool? Flag(JsonElement parent, string name, string path)
    {
        var value = parent.At(name);
        if (IsAbsent(value)) return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Fault(value, path, "must be true or false", "Write true or false without quotes.");
        return null;
    }

    public int? Int32(JsonElement parent, string name, string path) =>
        (int?)Integer(parent, name, path, int.MinValue, int.MaxValue, "32");

    public long? Int64(JsonElement parent, string name, string path) =>
        Integer(parent, name, path, long.MinValue, long.MaxValue, "64");

    /// <summary>An object; anything else is a fault, and reads as undefined.</summary>
    public JsonElement Object(JsonElement parent, string name, string path, string fix)
    {
        var value = parent.At(name);
        if (IsAbsent(value)) return default;
        if (value.ValueKind == JsonValueKind.Object) return value;
        Fault(value, path, "must be an object", fix);
        return default;
    }

    /// <summary>A value of the wrong type: <c>path: Invalid value: "x": must be an integer</c>.</summary>
    public void Fault(JsonElement value, string path, string rule, string? fix) => Add(FieldError.TypeInvalid(path, Print(value), rule, fix));

    public static bool IsAbsent(JsonElement value) => value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    /// <summary>How to make text of a number or a truth value; null for what no quotes can mend.</summary>
    public static string? QuoteIt(JsonElement value) =>
        value.ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False ? $"Write \"{Print(value)}\" with quotes." : null;

    /// <summary>A value as a message shows it; long ones are cut.</summary>
    public static string Print(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{...}",
        JsonValueKind.Array => "[...]",
        _ => value.GetRawText() is { Length: > PrintedValueLimit } longText ? longText[..PrintedValueLimit] + "..." : value.GetRawText(),
    };

    private long? Integer(JsonElement parent, string name, string path, long least, long most, string bits)
    {
        var value = parent.At(name);
        if (IsAbsent(value)) return null;
        if (value.ValueKind == JsonValueKind.Number)
        {
            if (value.TryGetInt64(out var number) && number >= least && number <= most) return number;
            Fault(value, path, $"must be a {bits}-bit integer", "Write a whole number in that range.");
            return null;
        }

        var fix = value.ValueKind == JsonValueKind.String && long.TryParse(value.GetString(), out var meant) ? $"Write {meant} without quotes." : "Write a whole number.";
        Fault(value, path, "must be an integer", fix);
        return null;
    }
}
