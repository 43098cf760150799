using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>What has to be changed in one JSON value to make another of it, as operations of a JSON patch (RFC 6902).</summary>
internal static class JsonDelta
{
    /// <summary>
    /// Lists are compared place by place. A number written otherwise, as 1.0 for 1, is no difference, and the order of members has no say in the
    /// operations': API servers hand objects out in another order than they got them in.
    /// </summary>
    public static List<JsonObject> Between(JsonElement from, JsonElement to)
    {
        var operations = new List<JsonObject>();
        Compare(from, to, "", operations);
        return operations;
    }

    /// <returns>Null where the operations do not fit the value.</returns>
    public static JsonObject? Apply(JsonObject value, IEnumerable<JsonObject> operations)
    {
        try
        {
            return JsonPatch.Apply(value, new JsonArray([.. operations.Select(static o => o.DeepClone())])) as JsonObject;
        }
        catch (PatchException)
        {
            return null;
        }
    }

    /// <summary>Where an operation works, as its steps; none for one that is malformed.</summary>
    public static string[] PathOf(JsonObject operation) =>
        operation["path"] is JsonValue value && value.TryGetValue<string>(out var path) && path.StartsWith('/')
            ? [.. path[1..].Split('/').Select(static s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))]
            : [];

    private static void Compare(JsonElement from, JsonElement to, string path, List<JsonObject> operations)
    {
        switch (from.ValueKind, to.ValueKind)
        {
            case (JsonValueKind.Object, JsonValueKind.Object):
                CompareMembers(from, to, path, operations);
                break;
            case (JsonValueKind.Array, JsonValueKind.Array):
                CompareItems(from, to, path, operations);
                break;
            default:
                if (!JsonElement.DeepEquals(from, to)) operations.Add(Operation("replace", path, to));
                break;
        }
    }

    private static void CompareMembers(JsonElement from, JsonElement to, string path, List<JsonObject> operations)
    {
        foreach (var member in from.EnumerateObject().OrderBy(static m => m.Name, StringComparer.Ordinal))
        {
            var at = $"{path}/{Escape(member.Name)}";
            if (to.TryGetProperty(member.Name, out var other)) Compare(member.Value, other, at, operations);
            else operations.Add(Operation("remove", at));
        }

        foreach (var member in to.EnumerateObject().OrderBy(static m => m.Name, StringComparer.Ordinal))
        {
            if (!from.TryGetProperty(member.Name, out _)) operations.Add(Operation("add", $"{path}/{Escape(member.Name)}", member.Value));
        }
    }

    private static void CompareItems(JsonElement from, JsonElement to, string path, List<JsonObject> operations)
    {
        var (before, after) = (from.GetArrayLength(), to.GetArrayLength());
        for (var index = 0; index < Math.Min(before, after); index++) Compare(from[index], to[index], At(index), operations);
        for (var index = before - 1; index >= after; index--) operations.Add(Operation("remove", At(index)));
        for (var index = before; index < after; index++) operations.Add(Operation("add", $"{path}/-", to[index]));

        string At(int index) => $"{path}/{index.ToString(CultureInfo.InvariantCulture)}";
    }

    private static JsonObject Operation(string what, string path) => new() { ["op"] = what, ["path"] = path };

    private static JsonObject Operation(string what, string path, JsonElement value) => new() { ["op"] = what, ["path"] = path, ["value"] = value.ToTree() };

    private static string Escape(string step) => step.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
