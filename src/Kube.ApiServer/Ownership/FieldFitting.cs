namespace Kube.ApiServer;

/// <summary>
/// Owned fields after a definition changed its schema: parts of what is now replaced whole are owned as the whole. (The other way there
/// is nothing to do: who owned the whole keeps owning the place, and its parts go to those who write them.)
/// </summary>
internal static class FieldFitting
{
    public static FieldSet Fit(FieldSet fields, FieldType type)
    {
        FieldSet.Place[]? changed = null;
        for (var i = 0; i < fields.Places.Length; i++)
        {
            var place = fields.Places[i];
            if (place.Below.IsEmpty) continue;
            var inner = (place.Step.Kind == 'f' ? type.Map?.TypeOf(place.Step.Text) : type.List?.Items) ?? FieldType.Deduced;
            var fitting = IsWhole(inner) ? new FieldSet.Place(place.Step, true, FieldSet.Empty) : place with { Below = Fit(place.Below, inner) };
            if (fitting.IsMember == place.IsMember && ReferenceEquals(fitting.Below, place.Below)) continue;
            changed ??= [.. fields.Places];
            changed[i] = fitting;
        }

        return changed is null ? fields : FieldSet.From(changed);
    }

    private static bool IsWhole(FieldType type) => type.Map is not { IsAtomic: false } && type.List is not { IsAtomic: false };
}
