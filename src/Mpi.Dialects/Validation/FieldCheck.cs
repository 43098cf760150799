using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// Compares an object with a <see cref="FieldTree"/>. Unknown fields outside pod templates are errors: the API server drops
/// them and the job runs as if they had not been written. Within templates they are warnings, since a newer cluster may
/// know them. A value of the wrong type is an error everywhere: the API server refuses it.
/// </summary>
internal sealed class FieldCheck(FieldTree tree, Action<FindingSeverity, FieldError> report)
{
    private readonly Stack<(string Type, string Path)> _around = new();
    private int _templates;

    public void Check(JsonElement root, string type) => Object(root, type, "");

    private void Value(JsonElement value, FieldType type, string path)
    {
        if (value.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined) return;
        switch (type)
        {
            case FieldType.Text when value.ValueKind != JsonValueKind.String: Wrong(value, path, "must be a string", FieldReader.QuoteIt(value)); break;
            case FieldType.Integer when !IsInteger(value): Wrong(value, path, "must be an integer", NumberFix(value)); break;
            case FieldType.Flag when value.ValueKind is not (JsonValueKind.True or JsonValueKind.False): Wrong(value, path, "must be true or false", "Write true or false without quotes."); break;
            case FieldType.Quantity when value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number): Wrong(value, path, "must be a quantity", "Write a quantity such as 2, 500m or 1Gi."); break;
            case FieldType.IntegerOrText when value.ValueKind != JsonValueKind.String && !IsInteger(value): Wrong(value, path, "must be an integer or a name", "Write a port's number or its name."); break;
            case FieldType.List list: List(value, list.Item, path); break;
            case FieldType.Map map: Map(value, map.Value, path); break;
            case FieldType.Object one: Object(value, one.Name, path); break;
        }
    }

    private void List(JsonElement value, FieldType item, string path)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            Wrong(value, path, "must be a list", "Write each item on a line of its own that begins with '- '.");
            return;
        }

        var index = 0;
        foreach (var one in value.EnumerateArray()) Value(one, item, string.Create(CultureInfo.InvariantCulture, $"{path}[{index++}]"));
    }

    private void Map(JsonElement value, FieldType item, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            Wrong(value, path, "must be an object", "Write key: value lines below it.");
            return;
        }

        foreach (var member in value.EnumerateObject()) Value(member.Value, item, $"{path}[{member.Name}]");
    }

    private void Object(JsonElement value, string type, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            Wrong(value, path, "must be an object", "Write its fields below it.");
            return;
        }

        _around.Push((type, path));
        if (type == KnownFields.PodTemplate) _templates++;
        foreach (var member in value.EnumerateObject())
        {
            var memberPath = type == "ReplicaSpecs" ? $"{path}[{member.Name}]" : Join(path, member.Name);
            if (tree[type].TryGetValue(member.Name, out var known)) Value(member.Value, known, memberPath);
            else report(_templates > 0 ? FindingSeverity.Warning : FindingSeverity.Error, FieldError.UnknownField(memberPath, Suggestion(member.Name)));
        }

        if (type == KnownFields.PodTemplate) _templates--;
        _around.Pop();
    }

    /// <summary>The same name elsewhere nearby (one level down, or anywhere around), else a name here that is spelled alike.</summary>
    private string? Suggestion(string name)
    {
        var (type, path) = _around.Peek();
        foreach (var (field, fieldType) in tree[type])
        {
            if (fieldType is FieldType.Object inner && tree[inner.Name].ContainsKey(name)) return $"{name} belongs under {Join(path, field)}.";
        }

        if (Spelling.Nearest(name, tree[type].Keys) is { } meant) return $"did you mean {meant}?";
        var outside = _around.Skip(1).FirstOrDefault(place => tree[place.Type].ContainsKey(name));
        if (outside.Type is null) return null;
        return outside.Path.Length > 0 ? $"{name} belongs under {outside.Path}." : $"{name} belongs at the top, beside apiVersion and kind.";
    }

    private void Wrong(JsonElement value, string path, string rule, string? fix) => report(FindingSeverity.Error, FieldError.TypeInvalid(path, FieldReader.Print(value), rule, fix));

    private static bool IsInteger(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _);

    private static string NumberFix(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && long.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var meant)
            ? string.Create(CultureInfo.InvariantCulture, $"Write {meant} without quotes.")
            : "Write a whole number.";

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
