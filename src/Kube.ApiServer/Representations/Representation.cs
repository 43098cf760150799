using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>How objects are shown to a client: as they are, as rows of a table, or by their metadata alone.</summary>
internal abstract class Representation
{
    /// <summary>One object, as the answer to a get or a write.</summary>
    public abstract ReadOnlyMemory<byte> Single(StoredObject obj);

    /// <summary>One object within a watch event.</summary>
    /// <param name="first">Whether this is the first event of its watch.</param>
    public virtual ReadOnlyMemory<byte> Event(StoredObject obj, bool first) => Single(obj);

    public abstract ReadOnlyMemory<byte> Bookmark(long revision, bool initialEventsEnd);

    /// <summary>A whole list, in parts.</summary>
    public abstract ImmutableArray<ReadOnlyMemory<byte>> List(ListMeta meta, IReadOnlyList<StoredObject> objects);

    protected static JsonObject BookmarkMeta(long revision, bool initialEventsEnd)
    {
        var meta = new JsonObject { ["resourceVersion"] = revision.ToString(), ["creationTimestamp"] = null };
        if (initialEventsEnd) meta["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        return meta;
    }

    /// <summary>Writes <c>{"kind":...,"apiVersion":...,"metadata":{...},</c> and <paramref name="itemsName"/><c>:[</c>, the items, and the end.</summary>
    protected static ImmutableArray<ReadOnlyMemory<byte>> Wrap(string kind, string apiVersion, ListMeta meta, string itemsName, IEnumerable<ReadOnlyMemory<byte>> items, int count)
    {
        var head = new JsonObject { ["kind"] = kind, ["apiVersion"] = apiVersion, ["metadata"] = meta.ToTree() }.ToUtf8();
        var parts = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>((count * 2) + 3);
        parts.Add(head.AsMemory(0, head.Length - 1));
        parts.Add(System.Text.Encoding.UTF8.GetBytes($",\"{JsonEncodedText.Encode(itemsName)}\":["));
        var separate = false;
        foreach (var item in items)
        {
            if (separate) parts.Add(Comma);
            parts.Add(item);
            separate = true;
        }

        parts.Add(End);
        return parts.ToImmutable();
    }

    private static readonly byte[] Comma = [(byte)','];
    private static readonly byte[] End = "]}\n"u8.ToArray();
}

/// <summary>The <c>metadata</c> of a list.</summary>
/// <param name="Continue">The token that leads to the next page; empty on the last.</param>
/// <param name="Remaining">Objects after this page; null when that is not known.</param>
internal sealed record ListMeta(long Revision, string Continue = "", long? Remaining = null)
{
    public JsonObject ToTree()
    {
        var tree = new JsonObject { ["resourceVersion"] = Revision.ToString() };
        if (Continue.Length > 0) tree["continue"] = Continue;
        if (Remaining is { } remaining) tree["remainingItemCount"] = remaining;
        return tree;
    }
}

/// <summary>Objects as they are: the stored bytes.</summary>
internal sealed class PlainRepresentation(ServedResource resource) : Representation
{
    public override ReadOnlyMemory<byte> Single(StoredObject obj) => resource.Show(obj);

    public override ReadOnlyMemory<byte> Bookmark(long revision, bool initialEventsEnd) => new JsonObject
    {
        ["kind"] = resource.Kind.Kind,
        ["apiVersion"] = resource.Kind.ApiVersion,
        ["metadata"] = BookmarkMeta(revision, initialEventsEnd),
    }.ToUtf8();

    public override ImmutableArray<ReadOnlyMemory<byte>> List(ListMeta meta, IReadOnlyList<StoredObject> objects) =>
        Wrap(resource.ListKind, resource.Kind.ApiVersion, meta, "items", objects.Select(resource.Show), objects.Count);
}
