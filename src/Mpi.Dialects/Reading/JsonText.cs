using System.Runtime.InteropServices;
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
