using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The last step of every write: quotas, the store, and what follows a change.</summary>
internal static class Committing
{
    /// <param name="current">The stored object that was looked at; null for a creation.</param>
    /// <param name="old">The same as a tree.</param>
    /// <param name="obj">What is to replace it; null for a deletion.</param>
    /// <param name="owners">Its <c>managedFields</c> as JSON.</param>
    /// <returns>Null when another writer was faster.</returns>
    public static StoredObject? TryCommit(WriteContext context, ObjectKey key, StoredObject? current, JsonObject? old, JsonObject? obj, ReadOnlyMemory<byte> owners)
    {
        var (strategy, store, objects) = (context.Strategy, context.Server.Store, context.Call.Resource.Objects);
        var committed = context.Server.Quotas.Commit(context, old, obj,
            () => store.TryCommit(objects, key, current, obj is null ? null : Drafting.From(obj, owners, strategy)));
        if (committed is null) return null;
        if (obj is null) strategy.Release(old!);
        strategy.Committed(obj, old, context);
        return committed;
    }
}
