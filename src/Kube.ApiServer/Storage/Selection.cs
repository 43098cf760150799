using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Which objects of a collection a request means.</summary>
/// <param name="Namespace">Null for all.</param>
/// <param name="Name">Null for all.</param>
internal sealed record Selection(string? Namespace, string? Name, LabelSelector Labels, FieldSelector Fields)
{
    public bool IsFiltered => !Labels.MatchesEverything || !Fields.MatchesEverything;

    public bool Matches(StoredObject obj)
    {
        if (Namespace is not null && obj.Key.Namespace != Namespace) return false;
        if (Name is not null && obj.Key.Name != Name) return false;
        if (!Labels.MatchesEverything && !Labels.Matches(obj.Header.Labels)) return false;
        foreach (var term in Fields.Terms)
        {
            if ((ValueOf(obj, term.Field) == term.Value) == term.Negated) return false;
        }

        return true;
    }

    /// <summary>Reads the selectors of a list, watch or deletecollection.</summary>
    public static Selection Read(ResourceCall call)
    {
        if (!LabelSelector.TryParse(call.Query.Text("labelSelector"), out var labels, out var labelFault)) throw Failures.BadRequest(labelFault);
        if (!FieldSelector.TryParse(call.Query.Text("fieldSelector"), out var fields, out var fieldFault)) throw Failures.BadRequest(fieldFault);
        foreach (var term in fields.Terms)
        {
            if (term.Field is "metadata.name" || (term.Field is "metadata.namespace" && call.Resource.Kind.Namespaced)) continue;
            if (!call.Resource.Strategy.SelectableFields.Contains(term.Field)) throw Failures.BadRequest(call.Resource.Strategy.DescribeUnselectable(term.Field));
        }

        return new Selection(call.Resource.Kind.Namespaced ? call.Namespace : null, call.Name, labels, InStoredForm(fields, call.Resource.Strategy));
    }

    private static FieldSelector InStoredForm(FieldSelector fields, KindStrategy strategy) =>
        strategy.Stored == strategy ? fields : fields.WithNames(strategy.StoredField);

    private static string ValueOf(StoredObject obj, string field) => field switch
    {
        "metadata.name" => obj.Key.Name,
        "metadata.namespace" => obj.Key.Namespace,
        _ => obj.Header.Fields.GetValueOrDefault(field, ""),
    };
}
