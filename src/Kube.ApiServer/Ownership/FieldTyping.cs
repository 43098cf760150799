using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>Checks that a configuration is of its type before it is merged, in the words of structured-merge-diff, which clients print.</summary>
internal sealed class FieldTyping
{
    private readonly List<string> _faults = [];
    private readonly List<FieldStep> _path = [];

    /// <returns>What is wrong, in one text; null when nothing is.</returns>
    public static string? Check(JsonObject obj, FieldType type)
    {
        var walk = new FieldTyping();
        walk.Visit(obj, type);
        return walk._faults switch
        {
            [] => null,
            [var only] => only,
            var several => string.Join('\n', several.Select(static f => $"  {f}").Prepend("errors:")),
        };
    }

    private void Visit(JsonNode? value, FieldType type)
    {
        switch (type.FormOf(value))
        {
            case FieldForm.Map when value is null or JsonObject:
                foreach (var (name, member) in value as JsonObject ?? [])
                {
                    _path.Add(FieldStep.Member(name));
                    if (type.Map!.TypeOf(name) is { } inner) Visit(member, inner);
                    else Fault("field not declared in schema");
                    _path.RemoveAt(_path.Count - 1);
                }

                break;
            case FieldForm.Map:
                Fault($"expected map, got &{{{Plain(value)}}}");
                break;
            case FieldForm.List when value is null or JsonArray:
                VisitItems(value as JsonArray ?? [], type.List!);
                break;
            case FieldForm.List:
                Fault($"expected list, got &{{{Plain(value)}}}");
                break;
            default:
                VisitScalar(value, type.Scalar!);
                break;
        }
    }

    private void VisitItems(JsonArray items, ListType type)
    {
        var seen = new HashSet<FieldStep>();
        foreach (var (index, item) in items.Index())
        {
            FieldStep step;
            try
            {
                step = type.StepOf(item, index);
            }
            catch (FieldTypeException untold)
            {
                Fault(untold.Message);
                continue;
            }

            if (!seen.Add(step)) Fault($"duplicate entries for key {step.Print()}");
            _path.Add(step);
            Visit(item, type.Items);
            _path.RemoveAt(_path.Count - 1);
        }
    }

    private void VisitScalar(JsonNode? value, string scalar)
    {
        var kind = value?.GetValueKind() ?? JsonValueKind.Null;
        var fits = kind == JsonValueKind.Null || scalar switch
        {
            "numeric" => kind == JsonValueKind.Number,
            "string" => kind == JsonValueKind.String,
            "boolean" => kind is JsonValueKind.True or JsonValueKind.False,
            _ => true,
        };
        if (!fits) Fault(scalar == "numeric" ? $"expected numeric (int or float), got {TypeOf(kind)}" : $"expected {scalar}, got &value.valueUnstructured{{Value:{Go(value)}}}");
    }

    // The real server prints values in three ways that Go has for that: by their type, plainly, and as code. Clients show it.
    private static string TypeOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "map[string]interface {}",
        JsonValueKind.Array => "[]interface {}",
        JsonValueKind.String => "string",
        _ => "bool",
    };

    private static string Plain(JsonNode? value) => value switch
    {
        null => "<nil>",
        JsonObject members => $"map[{string.Join(' ', members.OrderBy(static m => m.Key, StringComparer.Ordinal).Select(static m => $"{m.Key}:{Plain(m.Value)}"))}]",
        JsonArray items => $"[{string.Join(' ', items.Select(Plain))}]",
        _ => value.Print(),
    };

    private static string Go(JsonNode? value) => value switch
    {
        null => "interface {}(nil)",
        JsonObject members => $"map[string]interface {{}}{{{string.Join(", ", members.OrderBy(static m => m.Key, StringComparer.Ordinal).Select(static m => $"\"{m.Key}\":{Go(m.Value)}"))}}}",
        JsonArray items => $"[]interface {{}}{{{string.Join(", ", items.Select(Go))}}}",
        _ => value.ToJsonString(),
    };

    private void Fault(string message) => _faults.Add(_path.Count == 0 ? message : $"{FieldPaths.Print(_path)}: {message}");
}

/// <summary>Paths as people read them.</summary>
internal static class FieldPaths
{
    public static string Print(IEnumerable<FieldStep> path) => string.Concat(path.Select(static s => s.Print()));
}
