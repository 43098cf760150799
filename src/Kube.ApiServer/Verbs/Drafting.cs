using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>From a finished tree to what the store takes.</summary>
internal static class Drafting
{
    /// <param name="owners">The object's <c>managedFields</c> as JSON; empty for none.</param>
    public static Draft From(JsonObject obj, ReadOnlyMemory<byte> owners, KindStrategy strategy)
    {
        var stored = strategy.ToStorage(obj);
        var fields = ImmutableDictionary<string, string>.Empty;
        foreach (var field in strategy.Stored.SelectableFields)
        {
            if (strategy.Stored.FieldValue(stored, field) is { Length: > 0 } value) fields = fields.Add(field, value);
        }

        var meta = stored["metadata"]!.AsObject();
        var header = new ObjectHeader(
            meta.Text("uid") ?? "",
            meta.TextMap("labels").ToImmutableDictionary(StringComparer.Ordinal),
            fields,
            meta.Text("deletionTimestamp") is not null);
        return new Draft(StoredBytes.From(stored, owners.Span), header);
    }

    /// <summary>What a dry run answers: the object as it would be, at the revision of the one it would replace.</summary>
    public static StoredObject Pretend(ObjectKey key, JsonObject obj, ReadOnlyMemory<byte> owners, StoredObject? old, KindStrategy strategy)
    {
        var draft = From(obj, owners, strategy);
        if (old is not null) return new StoredObject(key, old.Revision, draft.Bytes.WithRevision(old.Revision), draft.Header);
        return new StoredObject(key, 0, StoredBytes.From(strategy.ToStorage(obj), owners.Span, isNew: true), draft.Header);
    }

    /// <summary>A stored object as a tree of the served version, to be changed; without its owners, who are kept apart.</summary>
    public static JsonObject Open(StoredObject obj, KindStrategy strategy) => strategy.Open(obj);
}
