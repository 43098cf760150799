using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>
/// JSON patch (RFC 6902), as an API server reads it: replacing a member that is absent adds it, and a value left out is null. Pure: arguments
/// stay as they are and share nothing with the result.
/// </summary>
public static class JsonPatch
{
    /// <summary>The API server's own limit of operations in one patch.</summary>
    public const int OperationsMax = 10_000;

    /// <exception cref="PatchException">The patch is malformed, a path leads nowhere, or a test failed; nothing is applied then.</exception>
    public static JsonNode? Apply(JsonNode? document, JsonArray patch)
    {
        if (patch.Count > OperationsMax)
        {
            throw new PatchException($"The allowed maximum operations in a JSON patch is {OperationsMax}, got {patch.Count}", malformed: true);
        }

        // The document hangs below a root of its own, so that the empty path is no special case.
        var root = new JsonObject { [Root] = document?.DeepClone() };
        long copied = 0;
        foreach (var operation in patch) Apply(root, operation as JsonObject ?? throw Malformed("an operation is no object"), ref copied);
        var result = root[Root];
        root.Remove(Root);
        return result;
    }

    /// <summary>The API server's own limit of what all copy operations of one patch may copy: a few copies of copies would fill any memory.</summary>
    public const int CopiedBytesMax = 3 * 1024 * 1024;

    private const string Root = "";

    private static void Apply(JsonObject root, JsonObject operation, ref long copied)
    {
        var path = Pointer(operation, "path");
        switch (Text(operation, "op"))
        {
            case "add":
                Add(root, path, Value(operation)?.DeepClone());
                break;
            case "remove":
                Remove(root, path);
                break;
            case "replace":
                Replace(root, path, Value(operation)?.DeepClone());
                break;
            case "move":
                var from = Pointer(operation, "from");
                if (path.Length > from.Length && path.AsSpan(0, from.Length).SequenceEqual(from))
                {
                    throw new PatchException($"move operation: {Print(from)} cannot be moved into itself at {Print(path)}");
                }

                Add(root, path, Remove(root, from));
                break;
            case "copy":
                var copy = Get(root, Pointer(operation, "from"))?.DeepClone();
                copied += copy?.ToUtf8().Length ?? 0;
                if (copied > CopiedBytesMax) throw new PatchException($"unable to copy to {Print(path)}: all copies together exceed {CopiedBytesMax} bytes");
                Add(root, path, copy);
                break;
            case "test":
                if (!JsonNode.DeepEquals(Find(root, path), Value(operation))) throw new PatchException($"testing value {Print(path)} failed: test failed");
                break;
            case var other:
                throw new PatchException($"unexpected kind of operation: {other}");
        }
    }

    private static JsonNode? Get(JsonObject root, string[] path)
    {
        var (parent, last) = Parent(root, path);
        switch (parent)
        {
            case JsonObject members when members.TryGetPropertyValue(last, out var value):
                return value;
            case JsonArray items:
                return items[Index(items.Count, last, path)];
            default:
                throw Nowhere(path);
        }
    }

    /// <summary>As <see cref="Get"/>, with null for what is absent: a test may ask for that.</summary>
    private static JsonNode? Find(JsonObject root, string[] path)
    {
        var (parent, last) = Parent(root, path);
        return parent is JsonObject members ? members[last] : Get(root, path);
    }

    private static void Add(JsonObject root, string[] path, JsonNode? value)
    {
        var (parent, last) = Parent(root, path);
        switch (parent)
        {
            case JsonObject members:
                members[last] = value;
                break;
            case JsonArray items when last == "-":
                items.Add(value);
                break;
            case JsonArray items:
                items.Insert(Index(items.Count + 1, last, path), value);
                break;
            default:
                throw Nowhere(path);
        }
    }

    private static void Replace(JsonObject root, string[] path, JsonNode? value)
    {
        var (parent, last) = Parent(root, path);
        if (parent is JsonArray items) items[Index(items.Count, last, path)] = value;
        else if (parent is JsonObject members) members[last] = value;
        else throw Nowhere(path);
    }

    private static JsonNode? Remove(JsonObject root, string[] path)
    {
        var value = Get(root, path);
        var (parent, last) = Parent(root, path);
        if (parent is JsonArray items) items.RemoveAt(Index(items.Count, last, path));
        else ((JsonObject)parent!).Remove(last);
        return value;
    }

    private static (JsonNode? Parent, string Last) Parent(JsonObject root, string[] path)
    {
        JsonNode? node = root;
        foreach (var step in path.AsSpan(0, path.Length - 1))
        {
            node = node switch
            {
                JsonObject members when members.TryGetPropertyValue(step, out var value) => value,
                JsonArray items => items[Index(items.Count, step, path)],
                _ => throw Nowhere(path),
            };
        }

        return (node, path[^1]);
    }

    private static int Index(int count, string step, string[] path)
    {
        var plain = step.Length > 0 && step.All(char.IsAsciiDigit) && (step.Length == 1 || step[0] != '0');
        if (!plain || !int.TryParse(step, out var index)) throw new PatchException($"{Print(path)}: \"{step}\" is no index of an array");
        return index < count ? index : throw new PatchException($"{Print(path)}: index {index} is out of bounds");
    }

    /// <summary>A JSON pointer's steps (RFC 6901), the step to the document itself first.</summary>
    private static string[] Pointer(JsonObject operation, string member)
    {
        var pointer = Text(operation, member);
        if (pointer.Length > 0 && pointer[0] != '/') throw new PatchException($"{member} \"{pointer}\" does not begin with /");
        var steps = pointer.Split('/');
        for (var i = 1; i < steps.Length; i++) steps[i] = steps[i].Replace("~1", "/").Replace("~0", "~");
        return steps;
    }

    private static string Text(JsonObject operation, string member) =>
        operation[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw new PatchException($"{member} is missing or no text");

    private static JsonNode? Value(JsonObject operation) => operation["value"];

    private static string Print(string[] path) => string.Join('/', path.Select(static s => s.Replace("~", "~0").Replace("/", "~1")));

    private static PatchException Nowhere(string[] path) => new($"path {Print(path)} does not exist");

    private static PatchException Malformed(string why) => new($"error decoding patch: {why}", malformed: true);
}
