using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>
/// Pods that wait for a node: the important ones first, of equal ones the one that came first. A pod that found no room is parked
/// until something changes; one whose request failed waits for a while. Any thread may add; no thread, no timer.
/// </summary>
internal sealed class SchedulingQueue(Backoff backoff, TimeProvider time, Random random)
{
    private readonly Lock _gate = new();
    private readonly Signal _signal = new(time);
    private readonly SortedSet<(int NegatedPriority, long Order, ObjectKey Key)> _ready = [];
    private readonly PriorityQueue<ObjectKey, (DateTimeOffset Due, long Order)> _waiting = new();
    private readonly Dictionary<ObjectKey, Entry> _entries = [];
    private long _order;

    private sealed class Entry(int priority, long order)
    {
        public int Priority { get; set; } = priority;
        public long Order => order;
        public int Failures { get; set; }
        public bool IsReady { get; set; }
        public DateTimeOffset? Due { get; set; }
    }

    public int Count
    {
        get { lock (_gate) return _entries.Count; }
    }

    public DateTimeOffset? NextDue
    {
        get { lock (_gate) return _ready.Count > 0 ? DateTimeOffset.MinValue : PeekWaiting(); }
    }

    public void Add(ObjectKey key, int priority)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var entry)) _entries[key] = entry = new Entry(priority, _order++);
            Unready(key, entry);
            entry.Priority = priority;
            MakeReady(key, entry);
        }

        _signal.Raise();
    }

    public void Remove(ObjectKey key)
    {
        lock (_gate)
        {
            if (_entries.Remove(key, out var entry)) Unready(key, entry);
        }
    }

    /// <summary>Something has changed: all that were parked look again.</summary>
    public void WakeParked()
    {
        lock (_gate)
        {
            foreach (var (key, entry) in _entries)
            {
                if (!entry.IsReady && entry.Due is null) MakeReady(key, entry);
            }
        }

        _signal.Raise();
    }

    /// <summary>Takes the next pod, which is parked from then on.</summary>
    public bool TryTake(out ObjectKey key)
    {
        lock (_gate)
        {
            while (PeekWaiting() is { } due && due <= time.GetUtcNow())
            {
                var next = _waiting.Dequeue();
                MakeReady(next, _entries[next]);
            }

            if (_ready.Count == 0)
            {
                key = default;
                return false;
            }

            key = _ready.Min.Key;
            Unready(key, _entries[key]);
            return true;
        }
    }

    /// <summary>A request about the pod failed: it looks again after a wait that grows.</summary>
    public TimeSpan Retry(ObjectKey key, TimeSpan? atLeast)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var entry) || entry.IsReady) return TimeSpan.Zero;
            var wait = backoff.After(++entry.Failures, random);
            if (atLeast > wait) wait = atLeast.Value;
            WaitFor(key, entry, wait);
            return wait;
        }
    }

    /// <summary>Looks again after the time, unless something wakes it before.</summary>
    public void Revisit(ObjectKey key, TimeSpan after)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var entry) && !entry.IsReady) WaitFor(key, entry, after);
        }

        _signal.Raise();
    }

    public ValueTask WaitAsync(CancellationToken cancellation) => NextDue is { } due && due <= time.GetUtcNow() ? ValueTask.CompletedTask : _signal.WaitAsync(NextDue, cancellation);

    private void WaitFor(ObjectKey key, Entry entry, TimeSpan wait)
    {
        entry.Due = time.GetUtcNow() + wait;
        _waiting.Enqueue(key, (entry.Due.Value, entry.Order));
    }

    private void MakeReady(ObjectKey key, Entry entry)
    {
        entry.IsReady = true;
        entry.Due = null;
        _ready.Add((-entry.Priority, entry.Order, key));
    }

    private void Unready(ObjectKey key, Entry entry)
    {
        if (!entry.IsReady) return;
        entry.IsReady = false;
        _ready.Remove((-entry.Priority, entry.Order, key));
    }

    /// <summary>A wait that ended early leaves its old entry behind, which is dropped when it comes to the front.</summary>
    private DateTimeOffset? PeekWaiting()
    {
        while (_waiting.TryPeek(out var key, out var at))
        {
            if (_entries.TryGetValue(key, out var entry) && entry.Due == at.Due) return at.Due;
            _waiting.Dequeue();
        }

        return null;
    }
}
