using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>
/// One object of the Kubernetes API, immutable: its bytes as they came, and views read from them. Fields that this code
/// has never heard of stay in the bytes and so are never lost. Safe to share between threads.
/// </summary>
public sealed class KubeObject
{
    private KubeObject(ReadOnlyMemory<byte> utf8, JsonElement root)
    {
        Utf8 = utf8;
        Root = root;
        ApiVersion = root.Text("apiVersion") ?? "";
        Kind = root.Text("kind") ?? "";
        Meta = ObjectMeta.Read(root.At("metadata"));
    }

    /// <summary>The object as JSON in UTF-8.</summary>
    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <summary>The object's JSON, for reading (<see cref="JsonReading"/>).</summary>
    public JsonElement Root { get; }

    public string ApiVersion { get; }
    public string Kind { get; }
    public ObjectMeta Meta { get; }

    /// <exception cref="JsonException">The bytes are no JSON, a member stands twice, or it is nested beyond <see cref="JsonLimits.DepthMax"/>.</exception>
    public static KubeObject Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            return new KubeObject(utf8, JsonElement.Parse(utf8.Span, JsonLimits.Options));
        }
        catch (InvalidOperationException broken)
        {
            // JSON may hold half of a surrogate pair ("\ud800"), which is no text: the library says so by this exception.
            throw new JsonException("the JSON holds text that is not valid Unicode", broken);
        }
    }

    /// <inheritdoc cref="Parse(ReadOnlyMemory{byte})"/>
    public static KubeObject Parse(string json) => Parse(System.Text.Encoding.UTF8.GetBytes(json));

    /// <summary>Takes what a builder has built. Later changes of the tree do not reach the object.</summary>
    public static KubeObject From(JsonNode tree) => Parse(tree.ToUtf8());

    /// <summary>A fresh tree to change and hand to <see cref="From"/>; the object itself stays as it is.</summary>
    public JsonObject ToTree() => (JsonObject)JsonNode.Parse(Utf8.Span, documentOptions: JsonLimits.Options)!;

    public override string ToString() => $"{Kind} {Meta.Key}";
}
