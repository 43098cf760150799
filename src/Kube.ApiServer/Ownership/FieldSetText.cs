using System.Text;
using System.Text.Json;

namespace Kube.ApiServer;

/// <summary>Field sets in their written form (<c>FieldsV1</c>): a tree of objects whose members are steps, <c>.</c> for a place that is itself in the set.</summary>
internal static class FieldSetText
{
    /// <summary>Deeper nesting is refused, as in the objects themselves.</summary>
    private const int DepthMax = 256;

    /// <param name="reader">Stands at the object's opening brace, and after at its closing one.</param>
    /// <param name="trusted">Written by this server: steps are in their one form already.</param>
    /// <exception cref="FormatException">No field set.</exception>
    public static FieldSet Read(ref Utf8JsonReader reader, bool trusted)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new FormatException("fields are no object");
        return Node(ref reader, trusted, 0, out _);
    }

    public static void Write(Utf8JsonWriter writer, FieldSet set) => Write(writer, set, isMember: false);

    private static FieldSet Node(ref Utf8JsonReader reader, bool trusted, int depth, out bool isMember)
    {
        if (depth > DepthMax) throw new FormatException("fields are nested too deeply");
        isMember = false;
        List<FieldSet.Place>? places = null;
        var any = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            any = true;
            var isDot = reader.ValueTextEquals("."u8);
            var step = isDot ? default : Step(ref reader, trusted);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) throw new FormatException("a field is no object");
            var below = Node(ref reader, trusted, depth + 1, out var member);
            if (isDot) isMember = true;
            else (places ??= []).Add(new FieldSet.Place(step, member, below));
        }

        // A leaf is an object of nothing.
        if (!any) isMember = true;
        return places is null ? FieldSet.Empty : FieldSet.From(places);
    }

    private static FieldStep Step(ref Utf8JsonReader reader, bool trusted)
    {
        var text = reader.GetString()!;
        return trusted ? new FieldStep(text[0], text[2..]) : FieldStep.Parse(text);
    }

    private static void Write(Utf8JsonWriter writer, FieldSet set, bool isMember)
    {
        writer.WriteStartObject();
        if (isMember && !set.IsEmpty)
        {
            writer.WriteStartObject("."u8);
            writer.WriteEndObject();
        }

        foreach (var place in set.Places)
        {
            writer.WritePropertyName($"{place.Step.Kind}:{place.Step.Text}");
            Write(writer, place.Below, place.IsMember);
        }

        writer.WriteEndObject();
    }
}
