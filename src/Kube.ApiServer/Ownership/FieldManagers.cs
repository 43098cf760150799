using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>What requests say of owners: their own name, and sometimes the whole list.</summary>
internal static class FieldManagers
{
    private const int NameBytesMax = 128;

    /// <summary>The parameter <c>fieldManager</c>, else the User-Agent up to its version.</summary>
    public static string Name(ResourceCall call)
    {
        var given = call.Query.Text("fieldManager");
        var name = given.Length > 0 ? given : Program(call.Request.UserAgent);
        return name.Length > 0 ? name : "unknown";
    }

    /// <summary>What is wrong with a name that a request gives.</summary>
    public static FieldError? Check(string given)
    {
        if (Encoding.UTF8.GetByteCount(given) > NameBytesMax) return new FieldError("fieldManager", FieldErrorKind.TooLong, null, $"may not be more than {NameBytesMax} bytes");
        var place = given.EnumerateRunes().Index().FirstOrDefault(static r => !IsPrintable(r.Item), (-1, default));
        return place.Index < 0 ? null : FieldError.Invalid("fieldManager", $"\"{System.Text.Json.JsonEncodedText.Encode(given)}\"", $"invalid character U+{place.Item.Value:X4} (at position {place.Index})");
    }

    /// <summary>
    /// Takes <c>metadata.managedFields</c> out of an object that a client sent. Null: it says nothing of owners, or nothing that
    /// could be read, and they stay; an empty list, or one empty entry, takes them all away.
    /// </summary>
    public static ManagedFields? TakeGiven(JsonObject obj)
    {
        if (obj.Members("metadata") is not { } meta || !meta.TryGetPropertyValue("managedFields", out var given)) return null;
        meta.Remove("managedFields");
        if (given is JsonArray and ([] or [JsonObject { Count: 0 }])) return ManagedFields.None;
        return given is null || ManagedFields.FromClient(given) is not { IsEmpty: false } fields ? null : fields;
    }

    private static string Program(string userAgent)
    {
        var name = new StringBuilder();
        foreach (var rune in userAgent.Split('/')[0].EnumerateRunes())
        {
            if (!IsPrintable(rune)) continue;
            if (Encoding.UTF8.GetByteCount(name.ToString()) + rune.Utf8SequenceLength > NameBytesMax) break;
            name.Append(rune.ToString());
        }

        return name.ToString();
    }

    /// <summary>As Go's <c>unicode.IsPrint</c>: letters, marks, numbers, punctuation, symbols and the plain space.</summary>
    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
