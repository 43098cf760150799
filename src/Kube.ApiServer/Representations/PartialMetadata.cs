using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary><c>PartialObjectMetadata</c>: objects without spec and status, as controllers that look only at metadata ask for them.</summary>
internal sealed class PartialMetadata : Representation
{
    public override ReadOnlyMemory<byte> Single(StoredObject obj) => ToTree(obj).ToUtf8();

    public override ReadOnlyMemory<byte> Bookmark(long revision, bool initialEventsEnd) => Wrap(BookmarkMeta(revision, initialEventsEnd)).ToUtf8();

    public override ImmutableArray<ReadOnlyMemory<byte>> List(ListMeta meta, IReadOnlyList<StoredObject> objects) =>
        Wrap("PartialObjectMetadataList", "meta.k8s.io/v1", meta, "items", objects.Select(Single), objects.Count);

    public static JsonObject ToTree(StoredObject obj) => Wrap(JsonTree.Read(obj.Utf8)["metadata"]?.DeepClone());

    private static JsonObject Wrap(JsonNode? metadata) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = "meta.k8s.io/v1",
        ["metadata"] = metadata,
    };
}
