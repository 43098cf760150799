using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// <c>events.k8s.io/v1</c>: the same Events as the core group's, under other member names. They are stored in the core form;
/// this is the view of <c>kubectl events</c> and of newer recorders.
/// </summary>
internal sealed class EventsV1Kind(EventKind core) : KindStrategy
{
    private static readonly FrozenDictionary<string, string> CoreNames = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["regarding"] = "involvedObject",
        ["note"] = "message",
        ["reportingController"] = "reportingComponent",
        ["deprecatedSource"] = "source",
        ["deprecatedFirstTimestamp"] = "firstTimestamp",
        ["deprecatedLastTimestamp"] = "lastTimestamp",
        ["deprecatedCount"] = "count",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> OwnNames = CoreNames.ToFrozenDictionary(static p => p.Value, static p => p.Key, StringComparer.Ordinal);

    public override ResourceKind Kind { get; } = new("events.k8s.io", "v1", "Event", "events");
    public override KindStrategy Stored => core;
    public override Shape? Shape => ShapeCatalog.Find("events.Event");
    public override ImmutableArray<string> ShortNames => core.ShortNames;
    public override bool AllowsCreateOnUpdate => true;
    public override bool LeadsWithName => false;

    public override ImmutableArray<string> SelectableFields =>
    [
        "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion", "regarding.resourceVersion",
        "regarding.fieldPath", "reason", "reportingController", "type",
    ];

    public override ImmutableArray<TableColumn> Columns { get; } = [.. core.Columns.Select(static c => c with { Cell = (obj, now) => c.Cell(ToCore(obj), now) })];

    public override string StoredField(string field) =>
        field.StartsWith("regarding.", StringComparison.Ordinal) ? $"involvedObject.{field["regarding.".Length..]}" : CoreNames.GetValueOrDefault(field, field);

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        EventKind.Validate(ToCore(obj), "reportingController", errors);
        // What the older API filled in belongs to it: a new event has a time, a type, and a series where it repeats.
        if (obj.Text("eventTime") is null) errors.Add(FieldError.Required("eventTime", ""));
        if (obj.Text("type") is not ("Normal" or "Warning")) errors.Add(FieldError.Invalid("type", "\"\"", $"has invalid value: {obj.Text("type")}"));
        foreach (var (member, path) in new[] { ("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp"), ("deprecatedCount", "count") })
        {
            if (obj[member] is not null && obj.Integer(member) is not 0) errors.Add(FieldError.Invalid(path, "\"\"", "needs to be unset"));
        }
    }

    /// <summary>An event that the older API made may be updated here as it is.</summary>
    public override void ValidateReplacement(JsonObject obj, JsonObject old, List<FieldError> errors) => EventKind.Validate(ToCore(obj), "reportingController", errors);

    public override ReadOnlyMemory<byte> Show(StoredObject obj) => StoredBytes.Reformed(Open(obj), obj);

    public override JsonObject Open(StoredObject obj)
    {
        var tree = Renamed(base.Open(obj), OwnNames);
        tree["apiVersion"] = Kind.ApiVersion;
        foreach (var member in new[] { "reportingController", "reportingInstance" })
        {
            if (tree.Text(member) is "") tree.Remove(member);
        }

        return tree;
    }

    public override JsonObject ToStorage(JsonObject obj)
    {
        var stored = ToCore(obj);
        core.Default(stored);
        return stored;
    }

    private static JsonObject ToCore(JsonObject obj)
    {
        var tree = Renamed(obj, CoreNames);
        tree["apiVersion"] = Kinds.Event.ApiVersion;
        return tree;
    }

    private static JsonObject Renamed(JsonObject obj, FrozenDictionary<string, string> names)
    {
        var tree = new JsonObject();
        foreach (var (name, value) in obj) tree[names.GetValueOrDefault(name, name)] = value?.DeepClone();
        return tree;
    }
}
