using System.Runtime.InteropServices;
using System.Text.Json;

namespace Mpi.Dialects;

/// <summary>
/// JSON can hold what is no text: <c>"\ud800"</c>, half of a surrogate pair. Reading it throws, so manifests are checked
/// before they are read. An API server never hands one out; a file may hold anything.
/// </summary>
internal static class JsonText
{
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
