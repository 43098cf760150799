using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class EventKind : KindStrategy
{
    private const int TextMax = 128;
    private const int NoteMax = 1024;

    public override ResourceKind Kind => Kinds.Event;
    public override ImmutableArray<string> ShortNames => ["ev"];
    public override bool AllowsCreateOnUpdate => true;

    public override ImmutableArray<string> SelectableFields =>
    [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
        "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
    ];

    public override ImmutableArray<TableColumn> Columns =>
    [
        new("Last Seen", "string", 0, static (e, now) => LastSeen(e, now)),
        TableColumn.Text("Type", static e => e.Text("type")),
        TableColumn.Text("Reason", static e => e.Text("reason")),
        TableColumn.Text("Object", static e => $"{e.Text("involvedObject", "kind")?.ToLowerInvariant()}/{e.Text("involvedObject", "name")}"),
        TableColumn.Wide("Subobject", static e => e.Text("involvedObject", "fieldPath") ?? ""),
        TableColumn.Wide("Source", static e => Source(e)),
        TableColumn.Text("Message", static e => e.Text("message")?.Trim()),
        new("First Seen", "string", 1, static (e, now) => Ages.Since(e.Text("firstTimestamp") ?? e.Text("eventTime"), now)),
        new("Count", "string", 1, static (e, _) => e.Integer("series", "count") ?? e.Integer("count") ?? 1),
        TableColumn.Wide("Name", static e => e.Text("metadata", "name")),
    ];

    /// <summary>An event's own name is the last thing that one wants to know.</summary>
    public override bool LeadsWithName => false;

    public override string FieldValue(JsonObject obj, string field) => field == "source" ? obj.Text("source", "component") ?? "" : base.FieldValue(obj, field);

    public override void Default(JsonObject obj)
    {
        obj.Default("reportingComponent", "");
        obj.Default("reportingInstance", "");
        obj.Object("source");
    }

    public override void Validate(JsonObject obj, List<FieldError> errors) => Validate(obj, "reportingComponent", errors);

    /// <param name="reporter">What the API that was asked calls <c>reportingComponent</c>.</param>
    public static void Validate(JsonObject obj, string reporter, List<FieldError> errors)
    {
        // A time of its own marks an event of the newer kind, which says who acted and how.
        var isNew = obj.Text("eventTime") is not null;
        var ns = obj.Text("involvedObject", "namespace") ?? "";
        var own = obj.Text("metadata", "namespace") ?? "";
        // Events about cluster-scoped objects live in the namespace default, newer ones in that of the system too.
        var fits = ns.Length > 0 ? isNew || ns == own : own == "default" || (isNew && own == "kube-system");
        if (!fits) errors.Add(FieldError.Invalid("involvedObject.namespace", $"\"{ns}\"", "does not match event.namespace"));
        if (!isNew) return;
        CheckText(obj, "reportingComponent", reporter, int.MaxValue, errors);
        var name = obj.Text("reportingComponent") ?? "";
        foreach (var fault in Names.CheckQualifiedName(name)) errors.Add(FieldError.Invalid(reporter, $"\"{name}\"", fault));
        foreach (var member in new[] { "reportingInstance", "action", "reason" }) CheckText(obj, member, member, TextMax, errors);
        if (obj.Text("message")?.Length > NoteMax) errors.Add(FieldError.Invalid("message", "\"\"", $"can have at most {NoteMax} characters"));
    }

    private static void CheckText(JsonObject obj, string member, string path, int lengthMax, List<FieldError> errors)
    {
        var text = obj.Text(member) ?? "";
        if (text.Length == 0) errors.Add(FieldError.Required(path, ""));
        if (text.Length > lengthMax) errors.Add(FieldError.Invalid(path, "\"\"", $"can have at most {lengthMax} characters"));
    }

    private static string LastSeen(JsonObject e, DateTimeOffset now) =>
        e.Text("series", "lastObservedTime") is { } series ? Ages.Since(series, now)
        : e.Text("lastTimestamp") is { } last ? Ages.Since(last, now)
        : Ages.Since(e.Text("eventTime") ?? e.Text("firstTimestamp"), now);

    private static string Source(JsonObject e)
    {
        var parts = new[] { First(e.Text("source", "component"), e.Text("reportingComponent")), First(e.Text("source", "host"), e.Text("reportingInstance")) };
        return string.Join(", ", parts.Where(static p => !string.IsNullOrEmpty(p)));
    }

    private static string? First(string? text, string? other) => string.IsNullOrEmpty(text) ? other : text;
}
