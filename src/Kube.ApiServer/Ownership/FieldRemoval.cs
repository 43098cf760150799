using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>Takes fields out of an object.</summary>
internal static class FieldRemoval
{
    /// <summary>
    /// A copy without the members and items at these paths. A map or list of which all was taken is there, empty, as in kube-apiserver 1.35
    /// (1.34 made it null). What stands within an atomic value is not taken apart.
    /// </summary>
    public static JsonObject Remove(JsonObject obj, FieldSet fields, FieldType type) => fields.IsEmpty ? obj : (JsonObject)Value(obj, fields, type)!;

    /// <summary>
    /// The set, with each member that its type names and below which the set holds something: who owned a part and gives it up
    /// leaves no empty shell.
    /// </summary>
    public static FieldSet WithNamedMembers(FieldSet set, FieldType type)
    {
        return FieldSet.From(set.Places.Select(place =>
        {
            var named = place.Step.Kind == 'f' && !place.Below.IsEmpty && type.Map?.Members.ContainsKey(place.Step.Text) == true;
            var inner = (place.Step.Kind == 'f' ? type.Map?.TypeOf(place.Step.Text) : type.List?.Items) ?? FieldType.Deduced;
            return place with { IsMember = place.IsMember || named, Below = WithNamedMembers(place.Below, inner) };
        }));
    }

    private static JsonNode? Value(JsonNode? value, FieldSet fields, FieldType type)
    {
        switch (type.FormOf(value))
        {
            case FieldForm.Map when value is JsonObject members && !type.Map!.IsAtomic:
                var kept = new JsonObject();
                foreach (var (name, member) in members)
                {
                    var place = fields.At(FieldStep.Member(name));
                    if (place.IsMember) continue;
                    kept[name] = Value(member, place.Below, type.Map.TypeOf(name) ?? FieldType.Deduced);
                }

                return kept;
            case FieldForm.List when value is JsonArray items && !type.List!.IsAtomic:
                var stays = new JsonArray();
                foreach (var (index, item) in items.Index())
                {
                    var place = fields.At(type.List.StepOf(item, index));
                    if (!place.IsMember) stays.Add(Value(item, place.Below, type.List.Items));
                }

                return stays;
            default:
                return value?.DeepClone();
        }
    }
}
