using System.Diagnostics.CodeAnalysis;

namespace Kube.Client;

/// <summary>
/// Keys waiting to be worked on. A key is in it once, however often it was added; a key that is being worked on and is added again
/// comes back when that work is done, and so no key is ever worked on twice at a time. Waits come from failures alone and are
/// kept per key. Any number of adders and takers; no thread, no timer. Bounded by the number of keys there are.
/// </summary>
public sealed class WorkQueue<TKey>(Backoff backoff, TimeProvider time, Random random) where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Signal _signal = new(time);
    private readonly Queue<TKey> _ready = new();
    private readonly HashSet<TKey> _dirty = [];
    private readonly HashSet<TKey> _taken = [];
    private readonly Dictionary<TKey, DateTimeOffset> _due = [];
    private readonly PriorityQueue<TKey, (DateTimeOffset Due, long Order)> _waiting = new();
    private readonly Dictionary<TKey, int> _failures = [];
    private long _order;

    /// <summary>Keys that can be taken now, those whose time has come not counted.</summary>
    public int ReadyCount
    {
        get { lock (_gate) return _ready.Count; }
    }

    /// <summary>How much is known of keys: those ready, taken and waiting, and those that have failed.</summary>
    public int KeyCount
    {
        get { lock (_gate) return _dirty.Count + _taken.Count + _waiting.Count + _failures.Count; }
    }

    /// <summary>When the next waiting key comes up; null when none waits.</summary>
    public DateTimeOffset? NextDue
    {
        get { lock (_gate) return PeekWaiting()?.Due; }
    }

    public void Add(TKey key)
    {
        lock (_gate)
        {
            if (!AddReady(key)) return;
        }

        _signal.Raise();
    }

    /// <summary>Adds the key when the time has passed. Of several waits of one key the shortest counts.</summary>
    public void AddAfter(TKey key, TimeSpan wait)
    {
        if (wait <= TimeSpan.Zero)
        {
            Add(key);
            return;
        }

        lock (_gate)
        {
            var due = time.GetUtcNow() + wait;
            if (_due.TryGetValue(key, out var earlier) && earlier <= due) return;
            _due[key] = due;
            _waiting.Enqueue(key, (due, _order++));
        }

        _signal.Raise();
    }

    /// <summary>Takes the next key. Its taker calls <see cref="Done"/> when the work on it has ended, whatever the outcome.</summary>
    public bool TryTake([MaybeNullWhen(false)] out TKey key)
    {
        bool more;
        lock (_gate)
        {
            MoveDue();
            if (!_ready.TryDequeue(out key)) return false;
            _dirty.Remove(key);
            _taken.Add(key);
            more = _ready.Count > 0;
        }

        // One signal may have stood for several keys: wake the next taker.
        if (more) _signal.Raise();
        return true;
    }

    public void Done(TKey key)
    {
        lock (_gate)
        {
            if (!_taken.Remove(key) || !_dirty.Contains(key)) return;
            _ready.Enqueue(key);
        }

        _signal.Raise();
    }

    /// <summary>Adds the key after a wait that grows with its failures in a row.</summary>
    /// <param name="atLeast">A longer wait that the server asked for.</param>
    /// <returns>The wait.</returns>
    public TimeSpan Retry(TKey key, TimeSpan? atLeast = null)
    {
        TimeSpan wait;
        lock (_gate)
        {
            var failures = _failures.GetValueOrDefault(key) + 1;
            _failures[key] = failures;
            wait = backoff.After(failures, random);
        }

        if (atLeast is { } asked && asked > wait) wait = asked;
        AddAfter(key, wait);
        return wait;
    }

    /// <summary>The key's failures in a row have ended.</summary>
    public void Forget(TKey key)
    {
        lock (_gate) _failures.Remove(key);
    }

    public int Failures(TKey key)
    {
        lock (_gate) return _failures.GetValueOrDefault(key);
    }

    /// <summary>Completes when a key may be there to take.</summary>
    public ValueTask WaitAsync(CancellationToken cancellation)
    {
        DateTimeOffset? due;
        lock (_gate)
        {
            MoveDue();
            if (_ready.Count > 0) return ValueTask.CompletedTask;
            due = PeekWaiting()?.Due;
        }

        return _signal.WaitAsync(due, cancellation);
    }

    private bool AddReady(TKey key)
    {
        if (!_dirty.Add(key) || _taken.Contains(key)) return false;
        _ready.Enqueue(key);
        return true;
    }

    private void MoveDue()
    {
        var now = time.GetUtcNow();
        while (PeekWaiting() is { } next && next.Due <= now)
        {
            _waiting.Dequeue();
            _due.Remove(next.Key);
            AddReady(next.Key);
        }
    }

    /// <summary>A wait that was shortened leaves its old entry behind, which is dropped when it comes to the front.</summary>
    private (TKey Key, DateTimeOffset Due)? PeekWaiting()
    {
        while (_waiting.TryPeek(out var key, out var at))
        {
            if (_due.TryGetValue(key, out var due) && due == at.Due) return (key, due);
            _waiting.Dequeue();
        }

        return null;
    }
}
