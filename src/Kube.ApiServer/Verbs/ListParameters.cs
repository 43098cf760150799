using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The rules of the parameters of lists and watches (<c>ValidateListOptions</c> of <c>k8s.io/apimachinery</c>).</summary>
internal static class ListParameters
{
    private const string Exact = "Exact";
    private const string NotOlder = "NotOlderThan";
    private const string Match = "resourceVersionMatch";

    /// <exception cref="ApiException">422: parameters contradict each other.</exception>
    public static void Validate(Query query)
    {
        var errors = query.Flag("watch") ? OfWatch(query) : OfList(query);
        if (errors.Count > 0) throw Failures.InvalidOptions("ListOptions", [.. errors]);
    }

    private static List<FieldError> OfList(Query query)
    {
        var errors = new List<FieldError>();
        var (match, revision) = (query.Text(Match), query.Text("resourceVersion"));
        if (match.Length > 0)
        {
            if (revision.Length == 0) errors.Add(FieldError.Forbidden(Match, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
            if (query.Text("continue").Length > 0) errors.Add(FieldError.Forbidden(Match, "resourceVersionMatch is forbidden when continue is provided"));
            if (match is not (Exact or NotOlder)) errors.Add(NotSupported(match, [Exact, NotOlder, ""]));
            if (match == Exact && revision == "0") errors.Add(FieldError.Forbidden(Match, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
        }

        if (query.Text("sendInitialEvents").Length > 0) errors.Add(FieldError.Forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        return errors;
    }

    private static List<FieldError> OfWatch(Query query)
    {
        var errors = new List<FieldError>();
        var (match, streams) = (query.Text(Match), query.Text("sendInitialEvents").Length > 0);
        if (streams && match != NotOlder) errors.Add(FieldError.Forbidden(Match, $"sendInitialEvents requires setting resourceVersionMatch to {NotOlder}"));
        if (match.Length == 0) return errors;
        if (!streams) errors.Add(FieldError.Forbidden(Match, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
        if (match != NotOlder) errors.Add(NotSupported(match, [NotOlder]));
        if (query.Text("continue").Length > 0) errors.Add(FieldError.Forbidden(Match, "resourceVersionMatch is forbidden when continue is provided"));
        return errors;
    }

    private static FieldError NotSupported(string match, string[] known) =>
        new(Match, FieldErrorKind.NotSupported, $"\"{match}\"", $"supported values: {string.Join(", ", known.Select(static k => $"\"{k}\""))}");
}
