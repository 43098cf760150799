using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>The fields that an applied configuration names: its leaves, its list items and the members of its maps.</summary>
internal sealed class FieldCollection
{
    private readonly FieldSet.Builder _set = new();
    private readonly List<FieldStep> _path = [];

    /// <exception cref="FieldTypeException">An item of a list cannot be told from the others.</exception>
    public static FieldSet Of(JsonObject obj, FieldType type)
    {
        var walk = new FieldCollection();
        walk.Visit(obj, type);
        return walk._set.ToSet();
    }

    private void Visit(JsonNode? value, FieldType type)
    {
        switch (type.FormOf(value))
        {
            case FieldForm.Map when !type.Map!.IsAtomic:
                foreach (var (name, member) in value as JsonObject ?? [])
                {
                    // A member that the type names is there with its content; one of a map, or an empty one, is there by itself.
                    var byItself = member is null or JsonObject { Count: 0 } || !type.Map.Members.ContainsKey(name);
                    Descend(FieldStep.Member(name), member, type.Map.TypeOf(name), byItself);
                }

                break;
            case FieldForm.List when !type.List!.IsAtomic:
                foreach (var (index, item) in (value as JsonArray ?? []).Index()) Descend(type.List.StepOf(item, index), item, type.List.Items, byItself: true);
                break;
            default:
                Add();
                break;
        }
    }

    private void Descend(FieldStep step, JsonNode? value, FieldType? type, bool byItself)
    {
        _path.Add(step);
        Visit(value, type ?? FieldType.Deduced);
        if (byItself) Add();
        _path.RemoveAt(_path.Count - 1);
    }

    private void Add()
    {
        if (_path.Count > 0) _set.Add(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_path));
    }
}
