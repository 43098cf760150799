using System.Buffers;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// One open watch: a cursor in its collection's log. It holds no events of its own; what has arrived is written out when
/// the carrier reads. Ends by its timeout, when its place in the log was overwritten (an ERROR event with code 410 is then
/// the last), or when disposed. One reader; everything else may come from any thread.
/// </summary>
public sealed class WatchStream : IDisposable
{
    /// <summary>Written at most in one go, so that one busy watch does not grow its buffer without bound.</summary>
    private const int BatchChanges = 64;

    /// <summary>How often an idle watch that asked for bookmarks gets one; the interval of kube-apiserver.</summary>
    private static readonly TimeSpan BookmarkInterval = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly ObjectStore _store;
    private readonly WatchPlan _plan;
    private readonly ITimer _timer;
    private readonly TimeProvider _time;
    private readonly DateTimeOffset _endsAt;
    private readonly Change?[] _batch = new Change?[BatchChanges];
    private IEnumerator<StoredObject>? _initial;
    private TaskCompletionSource? _waiter;
    private long _cursor;

    // At first there may be changes since the revision that it begins after, and nothing will ever tell of those.
    private bool _woken = true;
    private bool _bookmarkDue;
    private bool _timerEnds;
    private bool _ended;

    internal WatchStream(ObjectStore store, Collection collection, WatchPlan plan, TimeProvider time)
    {
        _store = store;
        Collection = collection;
        _plan = plan;
        _time = time;
        _endsAt = time.GetUtcNow() + plan.Timeout;
        _timer = time.CreateTimer(static watch => ((WatchStream)watch!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(NextTimer(), Timeout.InfiniteTimeSpan);
    }

    internal Collection Collection { get; }

    /// <summary>
    /// Whether a waiting reader continues on the thread that made the change, before the writer's call returns. In process
    /// and under a simulation it does: that makes the order of all that happens repeatable.
    /// </summary>
    public bool CompletesInline { get; set; }

    /// <summary>Whether nothing more will come once <see cref="TryRead"/> returns false.</summary>
    public bool Ended
    {
        get { lock (_gate) return _ended; }
    }

    /// <summary>Writes events that have arrived, each as one line of JSON. False when there were none.</summary>
    public bool TryRead(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (WriteInitial(output)) return true;
        while (true)
        {
            int count;
            long revision;
            lock (_gate)
            {
                if (_ended) return false;
                _woken = false;
                count = _store.Take(Collection, ref _cursor, _batch, out revision);
            }

            if (count < 0)
            {
                WatchEncoding.WriteError(output, Failures.Expired("The resourceVersion for the provided watch is too old.").Status);
                End();
                return true;
            }

            var wrote = false;
            for (var i = 0; i < count; i++) wrote |= WriteChange(output, _batch[i]!);
            if (count < BatchChanges && TakeBookmark()) wrote = WriteBookmark(output, revision, initialEventsEnd: false);
            if (wrote) return true;
            if (count < BatchChanges) return false;
        }
    }

    /// <summary>Completes when <see cref="TryRead"/> may have something to write, or the watch has ended.</summary>
    public Task WaitAsync(CancellationToken cancellation)
    {
        Task waiting;
        lock (_gate)
        {
            if (_ended || _woken || _bookmarkDue || _initial is not null) return Task.CompletedTask;
            _waiter ??= new TaskCompletionSource(CompletesInline ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = _waiter.Task;
        }

        return cancellation.CanBeCanceled ? waiting.WaitAsync(cancellation) : waiting;
    }

    public void Dispose() => End();

    internal void Begin(long cursor) => _cursor = cursor;

    internal void BeginWith(IEnumerable<StoredObject> initial) => _initial = initial.GetEnumerator();

    /// <summary>Tells the watch of a change, after it was logged. A change that it does not want only moves its cursor.</summary>
    internal void Wake(Change change)
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            if (_initial is null && _cursor == change.Sequence && !_plan.Wants(change))
            {
                _cursor++;
                return;
            }

            _woken = true;
            (waiter, _waiter) = (_waiter, null);
        }

        waiter?.TrySetResult();
    }

    internal void End()
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
            (waiter, _waiter) = (_waiter, null);
        }

        _timer.Dispose();
        _store.Unwatch(this);
        waiter?.TrySetResult();
    }

    private bool WriteInitial(IBufferWriter<byte> output)
    {
        if (_initial is not { } initial) return false;
        var count = 0;
        while (count < BatchChanges && initial.MoveNext())
        {
            _plan.Encoding.Write(output, "ADDED"u8, initial.Current);
            count++;
        }

        if (count == BatchChanges) return true;
        initial.Dispose();
        lock (_gate) _initial = null;
        if (_plan.EndsInitialEventsAt is { } revision) WriteBookmark(output, revision, initialEventsEnd: true);
        return count > 0 || _plan.EndsInitialEventsAt is not null;
    }

    private bool WriteChange(IBufferWriter<byte> output, Change change)
    {
        var was = change.Before is not null && _plan.Selection.Matches(change.Before);
        var matches = !change.Deleted && _plan.Selection.Matches(change.After);
        switch (was, matches)
        {
            case (false, false):
                return false;
            case (false, true):
                _plan.Encoding.Write(output, "ADDED"u8, change.After);
                return true;
            case (true, true):
                _plan.Encoding.Write(output, "MODIFIED"u8, change.After);
                return true;
            default:
                // An object that stopped matching is gone for this watcher: it gets the last state that it could see.
                _plan.Encoding.Write(output, "DELETED"u8, change.Deleted ? change.After : change.Before!.At(change.Revision));
                return true;
        }
    }

    private bool WriteBookmark(IBufferWriter<byte> output, long revision, bool initialEventsEnd)
    {
        _plan.Encoding.WriteBookmark(output, revision, initialEventsEnd);
        return true;
    }

    private bool TakeBookmark()
    {
        lock (_gate)
        {
            var due = _bookmarkDue;
            _bookmarkDue = false;
            return due;
        }
    }

    private void OnTimer()
    {
        // Asked of the clock, the end may not have come yet: timers fire a little early.
        if (_timerEnds)
        {
            End();
            return;
        }

        TaskCompletionSource? waiter;
        lock (_gate)
        {
            if (_ended) return;
            _bookmarkDue = true;
            (waiter, _waiter) = (_waiter, null);
        }

        _timer.Change(NextTimer(), Timeout.InfiniteTimeSpan);
        waiter?.TrySetResult();
    }

    private TimeSpan NextTimer()
    {
        var left = _endsAt - _time.GetUtcNow();
        _timerEnds = !_plan.Bookmarks || left <= BookmarkInterval;
        if (!_timerEnds) return BookmarkInterval;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}

/// <summary>What a watch sends, and for how long.</summary>
/// <param name="Selection">The objects it sees.</param>
/// <param name="Encoding">How an event is written.</param>
/// <param name="Bookmarks">Whether it gets bookmarks.</param>
/// <param name="Timeout">When it ends by itself.</param>
/// <param name="EndsInitialEventsAt">For a streamed list: the revision of the bookmark that follows the initial events.</param>
internal sealed record WatchPlan(Selection Selection, WatchEncoding Encoding, bool Bookmarks, TimeSpan Timeout, long? EndsInitialEventsAt)
{
    public bool Wants(Change change) => Selection.Matches(change.After) || (change.Before is not null && Selection.Matches(change.Before));
}
