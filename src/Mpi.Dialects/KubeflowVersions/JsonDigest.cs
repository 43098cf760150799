using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Mpi.Dialects;

/// <summary>A digest of a JSON value that stays the same when an API server has written it anew: members in another order, numbers in another notation.</summary>
internal static class JsonDigest
{
    /// <summary>16 hexadecimal digits.</summary>
    public static string Of(JsonElement value)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { SkipValidation = true })) Write(value, writer);
        return Convert.ToHexStringLower(SHA256.HashData(bytes.WrittenSpan).AsSpan(0, 8));
    }

    private static void Write(JsonElement value, Utf8JsonWriter writer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject().OrderBy(static m => m.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    Write(member.Value, writer);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray()) Write(item, writer);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Number when value.TryGetInt64(out var whole):
                writer.WriteNumberValue(whole);
                break;
            case JsonValueKind.Number:
                // What is no 64-bit integer is a float to an API server; those beyond its range it has never taken.
                var number = value.GetDouble();
                if (double.IsInteger(number) && Math.Abs(number) < 1e15) writer.WriteNumberValue((long)number);
                else if (double.IsFinite(number)) writer.WriteNumberValue(number);
                else writer.WriteStringValue(value.GetRawText());
                break;
            case JsonValueKind.Undefined:
                writer.WriteNullValue();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
