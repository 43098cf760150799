using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Objects as rows (<c>meta.k8s.io/v1 Table</c>): what <c>kubectl get</c> prints is decided here.</summary>
/// <param name="include">What each row carries beside its cells: <c>Metadata</c>, <c>Object</c> or <c>None</c>.</param>
internal sealed class TableRepresentation(ServedResource resource, string include, TimeProvider time) : Representation
{
    public static readonly TableColumn NameColumn = new("Name", "string", 0, static (obj, _) => obj.Text("metadata", "name"))
    {
        Format = "name",
        Description = "The object's name, unique among objects of its kind in its namespace.",
    };

    private readonly ImmutableArray<TableColumn> _columns =
        resource.Strategy.LeadsWithName ? [NameColumn, .. resource.Strategy.Columns] : resource.Strategy.Columns;

    public override ReadOnlyMemory<byte> Single(StoredObject obj) => Table([Row(obj)], new ListMeta(obj.Revision), withColumns: true).ToUtf8();

    /// <summary>The columns stand in a watch's first event only.</summary>
    public override ReadOnlyMemory<byte> Event(StoredObject obj, bool first) => Table([Row(obj)], new ListMeta(obj.Revision), withColumns: first).ToUtf8();

    public override ReadOnlyMemory<byte> Bookmark(long revision, bool initialEventsEnd)
    {
        var row = new JsonObject
        {
            ["cells"] = new JsonArray(),
            ["object"] = new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/v1", ["metadata"] = BookmarkMeta(revision, initialEventsEnd) },
        };
        return Table([row], new ListMeta(revision), withColumns: false).ToUtf8();
    }

    public override ImmutableArray<ReadOnlyMemory<byte>> List(ListMeta meta, IReadOnlyList<StoredObject> objects) =>
        [Table(objects.Select(Row), meta, withColumns: true).ToUtf8()];

    /// <summary>A table of one object that is made for the answer and stored nowhere, as a <c>Scale</c> is.</summary>
    public static JsonObject Of(JsonObject obj, ImmutableArray<TableColumn> columns, string include, TimeProvider time)
    {
        var partial = new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/v1", ["metadata"] = obj["metadata"]?.DeepClone() };
        var row = new JsonObject { ["cells"] = new JsonArray([.. columns.Select(c => c.Cell(obj, time.GetUtcNow()))]) };
        row["object"] = include switch { "Object" => obj.DeepClone(), "None" => null, _ => partial };
        return Table([row], new JsonObject { ["resourceVersion"] = obj.Text("metadata", "resourceVersion") }, new JsonArray([.. columns.Select(Definition)]));
    }

    private JsonObject Table(IEnumerable<JsonObject> rows, ListMeta meta, bool withColumns) =>
        Table(rows, meta.ToTree(), withColumns ? new JsonArray([.. _columns.Select(Definition)]) : null);

    private static JsonObject Table(IEnumerable<JsonObject> rows, JsonObject meta, JsonArray? columns) => new()
    {
        ["kind"] = "Table",
        ["apiVersion"] = "meta.k8s.io/v1",
        ["metadata"] = meta,
        ["columnDefinitions"] = columns,
        ["rows"] = new JsonArray([.. rows]),
    };

    private static JsonObject Definition(TableColumn column) => new()
    {
        ["name"] = column.Name,
        ["type"] = column.Type,
        ["format"] = column.Format,
        ["description"] = column.Description,
        ["priority"] = column.Priority,
    };

    private JsonObject Row(StoredObject obj)
    {
        var (tree, now) = (include == "Object" ? JsonTree.Read(resource.Show(obj)) : resource.Strategy.Open(obj), time.GetUtcNow());
        var row = new JsonObject { ["cells"] = new JsonArray([.. _columns.Select(c => c.Cell(tree, now))]) };
        switch (include)
        {
            case "Object":
                row["object"] = tree;
                break;
            case "None":
                row["object"] = null;
                break;
            default:
                row["object"] = PartialMetadata.ToTree(obj);
                break;
        }

        return row;
    }
}
