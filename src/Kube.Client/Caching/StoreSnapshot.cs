using System.Collections.Immutable;
using Kube.Types;

namespace Kube.Client;

/// <summary>What a <see cref="Store{T}"/> held at one moment: objects and indexes that agree with each other. Immutable.</summary>
public sealed class StoreSnapshot<T> where T : class
{
    private readonly ImmutableArray<StoreIndex<T>> _indexes;
    private readonly ImmutableArray<ImmutableDictionary<string, ImmutableSortedDictionary<ObjectKey, T>>> _groups;

    private StoreSnapshot(
        ImmutableArray<StoreIndex<T>> indexes,
        ImmutableSortedDictionary<ObjectKey, StoreEntry<T>> entries,
        ImmutableArray<ImmutableDictionary<string, ImmutableSortedDictionary<ObjectKey, T>>> groups,
        string seenUpTo)
    {
        SeenUpTo = seenUpTo;
        _indexes = indexes;
        Entries = entries;
        _groups = groups;
    }

    /// <summary>The resourceVersion up to which the server's changes are in; empty before the first list.</summary>
    public string SeenUpTo { get; }

    internal ImmutableSortedDictionary<ObjectKey, StoreEntry<T>> Entries { get; }

    public int Count => Entries.Count;

    /// <summary>All objects, by namespace and name.</summary>
    public IEnumerable<T> Values => Entries.Values.Select(static e => e.Value);

    public T? Find(ObjectKey key) => Entries.TryGetValue(key, out var entry) ? entry.Value : null;

    /// <summary>The objects that an index finds by a value, by namespace and name.</summary>
    /// <exception cref="ArgumentException">The store was not given this index.</exception>
    public IEnumerable<T> Having(StoreIndex<T> index, string value) => Group(index, value).Values;

    public int CountHaving(StoreIndex<T> index, string value) => Group(index, value).Count;

    private ImmutableSortedDictionary<ObjectKey, T> Group(StoreIndex<T> index, string value)
    {
        var at = _indexes.IndexOf(index);
        if (at < 0) throw new ArgumentException($"the store has no index {index.Name}", nameof(index));
        return _groups[at].GetValueOrDefault(value, ImmutableSortedDictionary<ObjectKey, T>.Empty);
    }

    internal static StoreSnapshot<T> Empty(ImmutableArray<StoreIndex<T>> indexes) => new(
        indexes,
        ImmutableSortedDictionary<ObjectKey, StoreEntry<T>>.Empty,
        [.. indexes.Select(static _ => ImmutableDictionary.Create<string, ImmutableSortedDictionary<ObjectKey, T>>(StringComparer.Ordinal))],
        seenUpTo: "");

    internal static StoreSnapshot<T> Of(ImmutableArray<StoreIndex<T>> indexes, IEnumerable<StoredObject<T>> objects, string seenUpTo)
    {
        var entries = ImmutableSortedDictionary.CreateBuilder<ObjectKey, StoreEntry<T>>();
        foreach (var obj in objects) entries[obj.Key] = obj.Entry;
        var groups = indexes.Select(index => Grouped(index, entries)).ToImmutableArray();
        return new StoreSnapshot<T>(indexes, entries.ToImmutable(), groups, seenUpTo);
    }

    private static ImmutableDictionary<string, ImmutableSortedDictionary<ObjectKey, T>> Grouped(
        StoreIndex<T> index, ImmutableSortedDictionary<ObjectKey, StoreEntry<T>>.Builder entries)
    {
        var groups = new Dictionary<string, ImmutableSortedDictionary<ObjectKey, T>.Builder>(StringComparer.Ordinal);
        foreach (var (key, entry) in entries)
        {
            foreach (var value in index.Values(entry.Value))
            {
                if (!groups.TryGetValue(value, out var group)) groups[value] = group = ImmutableSortedDictionary.CreateBuilder<ObjectKey, T>();
                group[key] = entry.Value;
            }
        }

        return groups.ToImmutableDictionary(static g => g.Key, static g => g.Value.ToImmutable(), StringComparer.Ordinal);
    }

    internal StoreSnapshot<T> Put(ObjectKey key, StoreEntry<T> entry, T? before, string seenUpTo) => new(
        _indexes, Entries.SetItem(key, entry), Regroup(key, before, entry.Value), seenUpTo);

    internal StoreSnapshot<T> Remove(ObjectKey key, T before, string seenUpTo) => new(
        _indexes, Entries.Remove(key), Regroup(key, before, null), seenUpTo);

    internal StoreSnapshot<T> Advance(string seenUpTo) => new(_indexes, Entries, _groups, seenUpTo);

    private ImmutableArray<ImmutableDictionary<string, ImmutableSortedDictionary<ObjectKey, T>>> Regroup(ObjectKey key, T? before, T? after)
    {
        if (_indexes.IsEmpty) return _groups;
        var groups = _groups.ToBuilder();
        for (var i = 0; i < groups.Count; i++)
        {
            var index = _indexes[i];
            ImmutableArray<string> old = before is null ? [] : index.Values(before);
            ImmutableArray<string> current = after is null ? [] : index.Values(after);
            foreach (var value in old)
            {
                if (!current.Contains(value)) groups[i] = Without(groups[i], value, key);
            }

            foreach (var value in current)
            {
                var group = groups[i].GetValueOrDefault(value, ImmutableSortedDictionary<ObjectKey, T>.Empty);
                groups[i] = groups[i].SetItem(value, group.SetItem(key, after!));
            }
        }

        return groups.ToImmutable();
    }

    private static ImmutableDictionary<string, ImmutableSortedDictionary<ObjectKey, T>> Without(
        ImmutableDictionary<string, ImmutableSortedDictionary<ObjectKey, T>> groups, string value, ObjectKey key)
    {
        var left = groups[value].Remove(key);
        return left.IsEmpty ? groups.Remove(value) : groups.SetItem(value, left);
    }
}
