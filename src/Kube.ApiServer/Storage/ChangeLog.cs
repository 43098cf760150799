namespace Kube.ApiServer;

/// <summary>One change of a collection: what was before (null for a creation) and what is now (null for a deletion).</summary>
/// <param name="Sequence">The change's place in its collection's log; without gaps.</param>
/// <param name="Revision">The store's revision that this change made.</param>
/// <param name="Before">The state that was replaced or deleted.</param>
/// <param name="After">The new state; for a deletion the last state at the deletion's revision.</param>
/// <param name="Deleted">Whether the object is gone.</param>
internal sealed record Change(long Sequence, long Revision, StoredObject? Before, StoredObject After, bool Deleted);

/// <summary>
/// The newest changes of one collection, at most a fixed number: watchers read from it by cursor, so a slow watcher costs
/// no memory; it only finds its place overwritten. Guarded by the store's lock.
/// </summary>
internal sealed class ChangeLog(int capacity, long startRevision)
{
    private Change[] _ring = new Change[Math.Min(capacity, 16)];
    private long _first;
    private long _next;

    /// <summary>Changes up to this revision are forgotten: who has seen less must list anew.</summary>
    public long ForgottenRevision { get; private set; } = startRevision;

    /// <summary>The sequence number that the next change will have.</summary>
    public long Next => _next;

    public Change Append(long revision, StoredObject? before, StoredObject after, bool deleted)
    {
        if (_next - _first == _ring.Length)
        {
            if (_ring.Length < capacity) Grow();
            else ForgottenRevision = _ring[_first++ % _ring.Length].Revision;
        }

        var change = new Change(_next, revision, before, after, deleted);
        _ring[_next++ % _ring.Length] = change;
        return change;
    }

    /// <summary>The change at a place; null when it is forgotten.</summary>
    public Change? At(long sequence) => sequence < _first ? null : _ring[sequence % _ring.Length];

    /// <summary>The place of the first change after a revision; null when some of them are forgotten.</summary>
    public long? After(long revision)
    {
        if (revision < ForgottenRevision) return null;
        var (low, high) = (_first, _next);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (_ring[middle % _ring.Length].Revision <= revision) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private void Grow()
    {
        var larger = new Change[Math.Min(_ring.Length * 4, capacity)];
        for (var i = _first; i < _next; i++) larger[i % larger.Length] = _ring[i % _ring.Length];
        _ring = larger;
    }
}
