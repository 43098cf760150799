using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Client;

/// <summary>
/// The cached objects of one kind, each as the compact projection that its readers need: the object's bytes are not kept. One
/// writer (a <see cref="Reflector{T}"/>); any number of readers, who take an immutable <see cref="Snapshot"/> without a lock. Everything that is
/// enumerated comes in the order of keys, so that the same objects are always met in the same order.
/// </summary>
public sealed class Store<T> where T : class
{
    private readonly Func<KubeObject, T?> _project;
    private readonly ImmutableArray<StoreIndex<T>> _indexes;
    private readonly Lock _gate = new();
    private readonly StringPool _strings = new();
    private ImmutableArray<Action<StoreChange<T>>> _handlers = [];
    private volatile StoreSnapshot<T> _snapshot;

    /// <param name="project">
    /// Makes the compact form of an object: a value that keeps nothing of the object itself. Null leaves the object out: one that no
    /// selector could exclude and nobody here asks for. What it throws sets that one object aside.
    /// </param>
    public Store(Func<KubeObject, T?> project, params ReadOnlySpan<StoreIndex<T>> indexes)
    {
        _project = project;
        _indexes = [.. indexes];
        _snapshot = StoreSnapshot<T>.Empty(_indexes);
    }

    public StoreSnapshot<T> Snapshot => _snapshot;

    public T? Find(ObjectKey key) => _snapshot.Find(key);

    /// <inheritdoc cref="StoreSnapshot{T}.Having"/>
    public IEnumerable<T> Having(StoreIndex<T> index, string value) => _snapshot.Having(index, value);

    /// <summary>
    /// Calls back for each change, on the writer's thread and in order, after the snapshot has changed: short work only, such as adding a key
    /// to a queue. Begins with an addition for each object already there. Disposing ends it.
    /// </summary>
    public IDisposable Subscribe(Action<StoreChange<T>> handler)
    {
        lock (_gate)
        {
            _handlers = _handlers.Add(handler);
            foreach (var (key, entry) in _snapshot.Entries) handler(new StoreChange<T>(key, null, entry.Value));
        }

        return new Subscription(this, handler);
    }

    /// <summary>The compact form of an object, before it is put in; null for one that is left out.</summary>
    internal StoredObject<T>? Project(KubeObject obj)
    {
        if (_project(obj) is not { } value) return null;
        var key = new ObjectKey(_strings.Share(obj.Meta.Namespace), obj.Meta.Name);
        return new StoredObject<T>(key, new StoreEntry<T>(value, obj.Meta.ResourceVersion));
    }

    /// <summary>An addition, or a change.</summary>
    internal void Put(StoredObject<T> obj)
    {
        lock (_gate)
        {
            var before = _snapshot.Find(obj.Key);
            _snapshot = _snapshot.Put(obj.Key, obj.Entry, before, obj.Entry.ResourceVersion);
            Tell(new StoreChange<T>(obj.Key, before, obj.Entry.Value));
        }
    }

    /// <param name="seenUpTo">The resourceVersion of the deletion.</param>
    internal void Remove(ObjectKey key, string seenUpTo)
    {
        lock (_gate)
        {
            if (_snapshot.Find(key) is not { } before)
            {
                _snapshot = _snapshot.Advance(seenUpTo);
                return;
            }

            _snapshot = _snapshot.Remove(key, before, seenUpTo);
            Tell(new StoreChange<T>(key, before, null));
        }
    }

    /// <summary>Nothing of this kind has changed up to this version.</summary>
    internal void Advance(string seenUpTo)
    {
        lock (_gate) _snapshot = _snapshot.Advance(seenUpTo);
    }

    /// <summary>Swaps in a whole list. Changes are told for what differs by resourceVersion; what is missing was deleted unseen.</summary>
    internal void Replace(IEnumerable<StoredObject<T>> objects, string seenUpTo)
    {
        lock (_gate)
        {
            var before = _snapshot;
            _snapshot = StoreSnapshot<T>.Of(_indexes, objects, seenUpTo);
            foreach (var (key, old) in before.Entries)
            {
                if (_snapshot.Find(key) is null) Tell(new StoreChange<T>(key, old.Value, null));
            }

            foreach (var (key, entry) in _snapshot.Entries)
            {
                var known = before.Entries.TryGetValue(key, out var old);
                if (!known || old.ResourceVersion != entry.ResourceVersion) Tell(new StoreChange<T>(key, known ? old.Value : null, entry.Value));
            }
        }
    }

    private void Tell(StoreChange<T> change)
    {
        foreach (var handler in _handlers) handler(change);
    }

    private sealed class Subscription(Store<T> store, Action<StoreChange<T>> handler) : IDisposable
    {
        public void Dispose()
        {
            lock (store._gate) store._handlers = store._handlers.Remove(handler);
        }
    }
}

/// <summary>One change of a store. Both sides are given for a change, one for an addition or a removal.</summary>
public readonly record struct StoreChange<T>(ObjectKey Key, T? Old, T? New) where T : class;

/// <summary>A way of finding objects other than by their key: by owner, by node.</summary>
/// <param name="Name">For people.</param>
/// <param name="Values">The values that an object is found by; none leaves it out.</param>
public sealed record StoreIndex<T>(string Name, Func<T, ImmutableArray<string>> Values);

internal readonly record struct StoredObject<T>(ObjectKey Key, StoreEntry<T> Entry) where T : class;

internal readonly record struct StoreEntry<T>(T Value, string ResourceVersion) where T : class;
