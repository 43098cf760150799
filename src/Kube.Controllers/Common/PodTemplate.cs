using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>Pods made of a template, and templates compared.</summary>
internal static class PodTemplate
{
    // As Kubernetes encodes its hashes: a decimal number in letters that make no words.
    private const string Alphabet = "bcdf2456789ghjklmnpqrstvwxz";
    private const int HashLength = 10;

    /// <summary>A pod of the template, controlled by the owner, still without a name.</summary>
    public static (JsonObject Meta, JsonObject Spec) Open(JsonElement template, KubeObject owner, ResourceKind ownerKind)
    {
        var tree = template.ToTree() as JsonObject ?? [];
        var meta = tree.Object("metadata").DeepClone().AsObject();
        meta.Remove("creationTimestamp");
        meta["namespace"] = owner.Meta.Namespace;
        meta["ownerReferences"] = new JsonArray(OwnerReferences.Controller(owner, ownerKind));
        return (meta, tree.Object("spec").DeepClone().AsObject());
    }

    public static JsonObject Close(JsonObject meta, JsonObject spec) => new() { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = meta, ["spec"] = spec };

    /// <summary>Tells templates apart, whatever the order of their members. The same template gives the same text for ever.</summary>
    /// <param name="collisions">Counts up when another template was met under the same hash.</param>
    public static string Hash(JsonElement template, int collisions)
    {
        var hash = Fnv(Canonical(template));
        if (collisions > 0) hash = Fnv(hash.ToString(CultureInfo.InvariantCulture) + "/" + collisions.ToString(CultureInfo.InvariantCulture));
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdUL;
        hash ^= hash >> 33;
        return string.Create(HashLength, hash, static (text, value) =>
        {
            for (var i = 0; i < text.Length; i++, value /= (ulong)Alphabet.Length) text[i] = Alphabet[(int)(value % (ulong)Alphabet.Length)];
        });
    }

    private static ulong Fnv(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in text) hash = (hash ^ c) * 1099511628211UL;
        return hash;
    }

    private static string Canonical(JsonElement value)
    {
        var text = new StringBuilder();
        Write(value);
        return text.ToString();

        void Write(JsonElement e)
        {
            switch (e.ValueKind)
            {
                case JsonValueKind.Object:
                    text.Append('{');
                    foreach (var member in e.EnumerateObject().Where(static m => m.Value.ValueKind != JsonValueKind.Null).OrderBy(static m => m.Name, StringComparer.Ordinal))
                    {
                        text.Append('"').Append(member.Name).Append("\":");
                        Write(member.Value);
                        text.Append(',');
                    }

                    text.Append('}');
                    break;
                case JsonValueKind.Array:
                    text.Append('[');
                    foreach (var item in e.EnumerateArray())
                    {
                        Write(item);
                        text.Append(',');
                    }

                    text.Append(']');
                    break;
                case JsonValueKind.String:
                    text.Append('"').Append(e.GetString()).Append('"');
                    break;
                default:
                    text.Append(e.ValueKind == JsonValueKind.Undefined ? "null" : e.GetRawText());
                    break;
            }
        }
    }
}
