using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// All objects of the cluster, in memory. Every change takes the next number of one revision counter and is appended to its
/// collection's log; watchers are woken after the lock is left, on the writer's thread. Thread-safe.
/// </summary>
internal sealed class ObjectStore(long firstRevision, int logCapacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Collection> _collections = new(StringComparer.Ordinal);
    private readonly long _firstRevision = firstRevision;
    private long _revision = firstRevision;

    public long Revision
    {
        get { lock (_gate) return _revision; }
    }

    /// <summary>The collection of a group and plural; made when it is asked for first.</summary>
    public Collection Of(string group, string plural)
    {
        lock (_gate)
        {
            var name = $"{group}/{plural}";
            if (!_collections.TryGetValue(name, out var collection))
            {
                // A watch from before the collection was made has missed nothing.
                collection = new Collection(new ChangeLog(logCapacity, _firstRevision - 1));
                _collections.Add(name, collection);
            }

            return collection;
        }
    }

    public StoredObject? Find(Collection collection, ObjectKey key) => collection.Find(key);

    public Snapshot Read(Collection collection)
    {
        lock (_gate) return new Snapshot(collection.Objects, _revision);
    }

    /// <summary>
    /// The collection as it was at a past revision, made by taking back the changes since.
    /// Null when the log does not reach back that far.
    /// </summary>
    public Snapshot? ReadAt(Collection collection, long revision)
    {
        lock (_gate)
        {
            if (collection.Log.After(revision) is not { } first) return null;
            if (first == collection.Log.Next) return new Snapshot(collection.Objects, revision);
            var objects = collection.Objects.ToBuilder();
            for (var i = collection.Log.Next - 1; i >= first; i--)
            {
                var change = collection.Log.At(i)!;
                objects.Remove(change.After);
                if (change.Before is not null) objects.Add(change.Before);
            }

            return new Snapshot(objects.ToImmutable(), revision);
        }
    }

    /// <summary>
    /// Replaces <paramref name="expected"/> (null: nothing) by <paramref name="draft"/> (null: nothing).
    /// Null when another writer was faster; the caller then looks again.
    /// </summary>
    /// <returns>The committed object; for a deletion its last state at the deletion's revision.</returns>
    public StoredObject? TryCommit(Collection collection, ObjectKey key, StoredObject? expected, Draft? draft)
    {
        StoredObject committed;
        Change change;
        ImmutableArray<WatchStream> watchers;
        lock (_gate)
        {
            if (!ReferenceEquals(collection.Find(key), expected)) return null;
            var revision = ++_revision;
            committed = draft is null ? expected!.At(revision) : new StoredObject(key, revision, draft.Bytes.WithRevision(revision), draft.Header);
            var objects = expected is null ? collection.Objects : collection.Objects.Remove(expected);
            collection.Objects = draft is null ? objects : objects.Add(committed);
            change = collection.Log.Append(revision, expected, committed, deleted: draft is null);
            watchers = collection.Watchers;
        }

        foreach (var watcher in watchers) watcher.Wake(change);
        return committed;
    }

    /// <summary>
    /// Adds a watcher that sees every change after a revision.
    /// False when some of them are forgotten, or the revision is not this store's.
    /// </summary>
    public bool TryWatch(WatchStream watcher, long revision)
    {
        lock (_gate)
        {
            var collection = watcher.Collection;
            if (revision > _revision || collection.Log.After(revision) is not { } cursor) return false;
            watcher.Begin(cursor);
            collection.Watchers = collection.Watchers.Add(watcher);
            return true;
        }
    }

    public void Unwatch(WatchStream watcher)
    {
        lock (_gate) watcher.Collection.Watchers = watcher.Collection.Watchers.Remove(watcher);
    }

    /// <summary>Ends every watch of a collection, as when its resource is no longer served.</summary>
    public void EndWatches(Collection collection)
    {
        ImmutableArray<WatchStream> watchers;
        lock (_gate) watchers = collection.Watchers;
        foreach (var watcher in watchers) watcher.End();
    }

    public void EndAllWatches()
    {
        List<Collection> all;
        lock (_gate) all = [.. _collections.Values];
        foreach (var collection in all) EndWatches(collection);
    }

    /// <summary>Takes what a watcher has not seen yet, at most the span's length, and moves its cursor on.</summary>
    /// <returns>How many; -1 when its place in the log is overwritten. The revision is the store's at that moment.</returns>
    public int Take(Collection collection, ref long cursor, Span<Change?> changes, out long revision)
    {
        lock (_gate)
        {
            revision = _revision;
            var count = 0;
            while (count < changes.Length && cursor < collection.Log.Next)
            {
                if (collection.Log.At(cursor) is not { } change) return -1;
                changes[count++] = change;
                cursor++;
            }

            return count;
        }
    }
}

/// <summary>The objects of one resource, all namespaces.</summary>
internal sealed class Collection(ChangeLog log)
{
    // Replaced as a whole under the store's lock, read without it: a reader sees one consistent state.
    private volatile ImmutableSortedSet<StoredObject> _objects = ImmutableSortedSet.Create<StoredObject>(RegistryOrder.Instance);

    public ImmutableSortedSet<StoredObject> Objects
    {
        get => _objects;
        set => _objects = value;
    }

    public ChangeLog Log { get; } = log;
    public ImmutableArray<WatchStream> Watchers { get; set; } = [];

    public StoredObject? Find(ObjectKey key) => _objects.TryGetValue(Snapshot.Probe(key), out var found) ? found : null;
}

/// <summary>A collection at one revision.</summary>
internal sealed record Snapshot(ImmutableSortedSet<StoredObject> Objects, long Revision)
{
    /// <summary>The objects of a namespace (null: all), in order, those before <paramref name="start"/> left out.</summary>
    public IEnumerable<StoredObject> Range(string? ns, ObjectKey? start)
    {
        var from = start ?? new ObjectKey(ns ?? "", "");
        var index = Objects.IndexOf(Probe(from));
        for (var i = index < 0 ? ~index : index; i < Objects.Count; i++)
        {
            var found = Objects[i];
            if (ns is not null && found.Key.Namespace != ns) yield break;
            yield return found;
        }
    }

    public static StoredObject Probe(ObjectKey key) => new(key, 0, default, Nobody);

    private static readonly ObjectHeader Nobody = new("", ImmutableDictionary<string, string>.Empty, ImmutableDictionary<string, string>.Empty, false);
}

/// <summary>An object written out, ready to be given a revision.</summary>
internal sealed record Draft(StoredBytes Bytes, ObjectHeader Header);
