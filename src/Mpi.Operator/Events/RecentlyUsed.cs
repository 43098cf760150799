using System.Diagnostics.CodeAnalysis;

namespace Mpi.Operator;

/// <summary>A dictionary of bounded size, which forgets what was used longest ago. Thread-safe.</summary>
/// <param name="capacity">Most entries kept.</param>
internal sealed class RecentlyUsed<TKey, TValue>(int capacity) where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _entries = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _byUse = new();

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var node))
            {
                value = default;
                return false;
            }

            _byUse.Remove(node);
            _byUse.AddLast(node);
            value = node.Value.Value;
            return true;
        }
    }

    public void Set(TKey key, TValue value)
    {
        lock (_gate)
        {
            if (_entries.Remove(key, out var old)) _byUse.Remove(old);
            _entries[key] = _byUse.AddLast((key, value));
            if (_entries.Count <= capacity) return;
            _entries.Remove(_byUse.First!.Value.Key);
            _byUse.RemoveFirst();
        }
    }

    public void Remove(TKey key)
    {
        lock (_gate)
        {
            if (_entries.Remove(key, out var node)) _byUse.Remove(node);
        }
    }
}
