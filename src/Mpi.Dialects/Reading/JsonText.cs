using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// JSON can hold what is no text: <c>"\ud800"</c>, half of a surrogate pair. Reading it throws, so manifests are checked
/// before they are read. An API server never hands one out; a file may hold anything.
/// </summary>
internal static class JsonText
{
    /// <summary>Of trees that were made from what had passed a reader already, and may nest a little deeper than it.</summary>
    public static JsonDocumentOptions Options { get; } = new() { MaxDepth = 2 * JsonLimits.DepthMax, AllowDuplicateProperties = false };

    /// <summary>A tree to read.</summary>
    public static JsonElement Parse(JsonObject tree) => JsonElement.Parse(tree.ToUtf8(), Options);

    /// <returns>False for a tree that holds what is no text.</returns>
    public static bool TryRead(JsonObject tree, out JsonElement element)
    {
        try
        {
            element = Parse(tree);
            return IsSound(element);
        }
        catch (Exception broken) when (broken is InvalidOperationException or JsonException or ArgumentException)
        {
            element = default;
            return false;
        }
    }

    public static bool IsSound(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Undefined) return true;
        // Only escapes can hide it: bytes that are no UTF-8 did not parse in the first place.
        var raw = JsonMarshal.GetRawUtf8Value(element);
        return raw.IndexOf("\\ud"u8) < 0 && raw.IndexOf("\\uD"u8) < 0 || AllReadable(element);
    }

    /// <summary>Equal for equal values, in whatever order the members of their objects stand.</summary>
    public static string DigestOf(JsonElement element)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(element);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));

        void Append(JsonElement value)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Object:
                    Mark("{");
                    foreach (var member in value.EnumerateObject().OrderBy(static m => m.Name, StringComparer.Ordinal))
                    {
                        Mark($"{member.Name.Length}:{member.Name}");
                        Append(member.Value);
                    }

                    Mark("}");
                    break;
                case JsonValueKind.Array:
                    Mark("[");
                    foreach (var item in value.EnumerateArray()) Append(item);
                    Mark("]");
                    break;
                case JsonValueKind.String:
                    var text = value.GetString()!;
                    // The length first, so that no two values run into the same bytes.
                    Mark($"\"{text.Length}:{text}");
                    break;
                default:
                    Mark(value.ValueKind == JsonValueKind.Undefined ? "-" : value.GetRawText() + ";");
                    break;
            }
        }

        void Mark(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text));
    }

    private static bool AllReadable(JsonElement element)
    {
        try
        {
            Visit(element);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static void Visit(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    _ = member.Name;
                    Visit(member.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray()) Visit(item);
                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
        }
    }
}
