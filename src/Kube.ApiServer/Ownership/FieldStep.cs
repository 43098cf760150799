using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// One step of a path into an object, as <c>fieldsV1</c> writes it: a member (<c>f:name</c>), an item of a list by its keys
/// (<c>k:{"name":"a"}</c>), by its value (<c>v:"a"</c>) or by its place (<c>i:0</c>).
/// </summary>
/// <param name="Kind">The letter: f, k, v or i.</param>
/// <param name="Text">What follows the colon; of keys and values their JSON, keys in the order of their names.</param>
internal readonly record struct FieldStep(char Kind, string Text) : IComparable<FieldStep>
{
    private const string KindOrder = "fkvi";

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static FieldStep Member(string name) => new('f', name);

    public static FieldStep Index(int index) => new('i', index.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public static FieldStep Value(JsonNode value) => new('v', Json(value));

    /// <param name="keys">In the order of their names.</param>
    public static FieldStep Keys(IEnumerable<KeyValuePair<string, JsonNode?>> keys)
    {
        var text = new StringBuilder("{");
        foreach (var (name, value) in keys)
        {
            if (text.Length > 1) text.Append(',');
            text.Append('"').Append(JsonEncodedText.Encode(name)).Append("\":").Append(Json(value));
        }

        return new('k', text.Append('}').ToString());
    }

    /// <summary>Reads a step that a client wrote, and brings it into the one form in which equal steps are equal texts.</summary>
    /// <exception cref="FormatException">No such step.</exception>
    public static FieldStep Parse(string text)
    {
        if (text.Length < 2 || text[1] != ':') throw new FormatException($"\"{text}\" is no path element: it begins with none of f: k: v: i:");
        var rest = text[2..];
        return text[0] switch
        {
            'f' => Member(rest),
            'i' when int.TryParse(rest, out var index) => Index(index),
            'v' => Value(ReadJson(rest)!),
            'k' when ReadJson(rest) is JsonObject keys => Keys(keys.OrderBy(static k => k.Key, StringComparer.Ordinal)),
            _ => throw new FormatException($"\"{text}\" is no path element"),
        };
    }

    public int CompareTo(FieldStep other) =>
        Kind == other.Kind ? string.CompareOrdinal(Text, other.Text) : KindOrder.IndexOf(Kind, StringComparison.Ordinal).CompareTo(KindOrder.IndexOf(other.Kind, StringComparison.Ordinal));

    /// <summary>As paths are printed for people: <c>.name</c>, <c>[name="a",port=80]</c>, <c>[="a"]</c>, <c>[0]</c>.</summary>
    public string Print() => Kind switch
    {
        'f' => $".{Text}",
        'k' => $"[{string.Join(',', ((JsonObject)ReadJson(Text)!).Select(static k => $"{k.Key}={Json(k.Value)}"))}]",
        'v' => $"[={Text}]",
        _ => $"[{Text}]",
    };

    private static string Json(JsonNode? value) => value?.ToJsonString(Relaxed) ?? "null";

    private static JsonNode? ReadJson(string text)
    {
        try
        {
            return JsonTree.Read(Encoding.UTF8.GetBytes(text), null);
        }
        catch (JsonException broken)
        {
            throw new FormatException(broken.Message, broken);
        }
    }
}
