using System.Text.Json;

namespace Kube.Types;

/// <summary>YAML as Kubernetes means it: another way of writing JSON. See <see cref="YamlScalar"/> for what plain words mean.</summary>
public static class Yaml
{
    /// <summary>What aliases may blow a text up to. A manifest of this size would be refused anyway: objects end at 1.5 MB.</summary>
    public const int NodesMax = 250_000;

    /// <summary>
    /// Reads all objects of a text: documents parted by <c>---</c>, empty ones left out, lists (<c>kind: List</c>, <c>PodList</c>)
    /// taken apart. JSON is YAML and so is read too.
    /// </summary>
    /// <exception cref="YamlSyntaxException">
    /// The text is no YAML, a document is no object, a key stands twice, or aliases blow it up beyond <see cref="NodesMax"/>.
    /// </exception>
    public static IReadOnlyList<YamlDocument> Read(string text) => YamlReader.Read(text);

    /// <summary>The value as YAML, members in the order they stand in, ending in a line feed. <see cref="Read"/> gives the same value back.</summary>
    public static string Write(JsonElement value) => YamlWriter.Write(value);
}
