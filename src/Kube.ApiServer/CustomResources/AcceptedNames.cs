using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// Which of the names that a CustomResourceDefinition asks for it gets: those that no other definition of its group bears. One that did not get
/// all of them is not served until it does; one that was served goes on under the names that it had.
/// </summary>
internal static class AcceptedNames
{
    private const string Accepted = "NamesAccepted";
    private const string Established = "Established";

    public static bool AreAll(JsonObject crd) => IsTrue(crd, Accepted);

    public static bool IsEstablished(JsonObject crd) => IsTrue(crd, Established);

    /// <summary>Writes <c>status.acceptedNames</c> and both conditions.</summary>
    /// <param name="others">The other definitions.</param>
    public static void Settle(JsonObject crd, IEnumerable<JsonObject> others, DateTimeOffset now)
    {
        var group = crd.Text("spec", "group");
        var (resources, kinds) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var names in others.Where(o => o.Text("spec", "group") == group).Select(static o => o.At("status", "acceptedNames")))
        {
            resources.UnionWith([names.Text("plural") ?? "", names.Text("singular") ?? "", .. names.Texts("shortNames")]);
            kinds.UnionWith([names.Text("kind") ?? "", names.Text("listKind") ?? ""]);
        }

        resources.Remove("");
        kinds.Remove("");
        var (wanted, status) = (crd.Object("spec").Object("names"), crd.Object("status"));
        var had = status.Members("acceptedNames") ?? [];
        var accepted = new JsonObject { ["plural"] = had.Text("plural") ?? "", ["kind"] = had.Text("kind") ?? "" };
        foreach (var member in new[] { "singular", "listKind", "shortNames" })
        {
            if (had[member] is { } kept) accepted[member] = kept.DeepClone();
        }

        // The last conflict is the one that is told, as in Kubernetes.
        (string Reason, string Message)? conflict = null;
        Take("plural", "PluralConflict", resources);
        Take("singular", "SingularConflict", resources);
        TakeShortNames();
        Take("kind", "KindConflict", kinds);
        Take("listKind", "ListKindConflict", kinds);
        if (wanted["categories"] is { } categories) accepted["categories"] = categories.DeepClone();
        status["acceptedNames"] = accepted;

        var conditions = status.Array("conditions");
        var (reason, message) = conflict ?? ("NoConflicts", "no conflicts found");
        Conditions.Set(conditions, new Condition(Accepted, conflict is null ? "True" : "False", reason, message), now);
        // Once established it stays so.
        if (IsEstablished(crd)) return;
        Conditions.Set(conditions, conflict is null
            ? new Condition(Established, "True", "InitialNamesAccepted", "the initial names have been accepted")
            : new Condition(Established, "False", "NotAccepted", "not all names are accepted"), now);

        void Take(string member, string reasonOfConflict, HashSet<string> used)
        {
            var name = wanted.Text(member) ?? "";
            if (used.Contains(name)) conflict = (reasonOfConflict, InUse(name));
            else accepted[member] = name;
        }

        void TakeShortNames()
        {
            var taken = wanted.Texts("shortNames").Where(resources.Contains).Select(InUse).ToList();
            if (taken.Count > 0) conflict = ("ShortNamesConflict", taken is [var only] ? only : $"[{string.Join(", ", taken)}]");
            else if (wanted["shortNames"] is { } names) accepted["shortNames"] = names.DeepClone();
            else accepted.Remove("shortNames");
        }

        static string InUse(string name) => $"\"{name}\" is already in use";
    }

    private static bool IsTrue(JsonObject crd, string condition) => crd.Objects("status", "conditions").Any(c => c.Item.Text("type") == condition && c.Item.Text("status") == "True");
}
