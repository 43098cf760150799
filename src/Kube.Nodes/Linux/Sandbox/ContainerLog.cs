namespace Kube.Nodes.Linux;

/// <summary>How much of one log is kept.</summary>
/// <param name="NewestBytes">The newest bytes, for whoever may come: the size at which the kubelet rotates (<c>containerLogMaxSize</c>).</param>
/// <param name="BytesAtMost">All that is kept while somebody is still reading it: the kubelet's files together (<c>containerLogMaxFiles</c>).</param>
public sealed record LogBounds(int NewestBytes, long BytesAtMost)
{
    private const int FileBytes = 10 * 1024 * 1024;
    private const int Files = 5;

    /// <summary>The kubelet's: five files of 10 MiB, of which <c>kubectl logs</c> reads the newest.</summary>
    public static LogBounds Kubelet { get; } = new(FileBytes, (long)Files * FileBytes);
}

/// <summary>
/// What one container wrote, in memory and bounded: the oldest lines go first. Kept after the container's end, as long as
/// the pod lives and no later run replaces it. Thread-safe: two pipes write, any number of readers follow.
/// </summary>
/// <remarks>
/// The kubelet rotates files and shows the newest one, which has anything from nothing to its full size; here there is always as much as
/// a full one. Someone who is reading holds on to what has been dropped for others, as one holds a rotated file that is open, and so
/// loses nothing before all that the kubelet would keep is full.
/// </remarks>
public sealed class ContainerLog(TimeProvider time, LogBounds bounds)
{
    /// <summary>Longer lines are split, as the container runtime interface does.</summary>
    public const int LineBytesAtMost = 16 * 1024;

    /// <summary>Most containers say little: blocks begin small and double.</summary>
    private const int FirstBlockBytes = 1024;
    private const int BlockBytesAtMost = 64 * 1024;

    /// <summary>What is dropped is a block: a small part of what is kept.</summary>
    private const int BlocksAtLeast = 16;

    private readonly Lock _gate = new();
    private readonly List<LogBlock> _blocks = [];
    private readonly List<LogCursor> _cursors = [];
    private readonly byte[][] _unfinished = [[], []];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _next;
    private long _bytes;
    private int _open = 2;

    /// <summary>Whether the container has ended and everything is here.</summary>
    public bool Ended
    {
        get
        {
            lock (_gate) return _open == 0;
        }
    }

    /// <summary>The number that the next entry will have.</summary>
    public long Next
    {
        get
        {
            lock (_gate) return _next;
        }
    }

    /// <summary>Completes at the next change. Take it before reading, then wait on it.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate) return _open == 0 ? Task.CompletedTask : _changed.Task;
        }
    }

    public void Append(bool isError, ReadOnlySpan<byte> bytes)
    {
        TaskCompletionSource? changed = null;
        lock (_gate)
        {
            ref var unfinished = ref _unfinished[isError ? 1 : 0];
            while (!bytes.IsEmpty)
            {
                var newline = bytes.IndexOf((byte)'\n');
                var take = Math.Min(newline >= 0 ? newline + 1 : bytes.Length, LineBytesAtMost - unfinished.Length);
                var piece = bytes[..take];
                bytes = bytes[take..];
                if (piece[^1] != (byte)'\n' && unfinished.Length + take < LineBytesAtMost)
                {
                    unfinished = [.. unfinished, .. piece];
                    continue;
                }

                Add(isError, unfinished.Length == 0 ? piece : [.. unfinished, .. piece]);
                unfinished = [];
                changed = _changed;
            }

            if (changed is not null) _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed?.TrySetResult();
    }

    /// <summary>Says that one of the two streams has ended.</summary>
    public void Close(bool isError)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            if (_unfinished[isError ? 1 : 0] is { Length: > 0 } rest) Add(isError, rest);
            _unfinished[isError ? 1 : 0] = [];
            _open--;
            changed = _changed;
            if (_open > 0) _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.TrySetResult();
    }

    /// <summary>The entries from a number on; older ones that were dropped are passed over.</summary>
    public IReadOnlyList<LogEntry> From(long number, int entriesAtMost = int.MaxValue)
    {
        var entries = new List<LogEntry>();
        lock (_gate)
        {
            // Looked for from the end, where those who follow are.
            for (var block = Math.Max(_blocks.FindLastIndex(b => b.First <= number), 0); block < _blocks.Count; block++)
            {
                var current = _blocks[block];
                for (var at = Math.Max(number, current.First); at < current.End; at++)
                {
                    if (entries.Count == entriesAtMost) return entries;
                    entries.Add(current[at]);
                }
            }
        }

        return entries;
    }

    /// <summary>The number of the first entry of the last so many lines.</summary>
    public long Tail(long lines)
    {
        lock (_gate)
        {
            if (lines <= 0) return _next;
            var (seen, later) = (0L, default(LogEntry?));
            for (var block = _blocks.Count - 1; block >= 0; block--)
            {
                for (var at = _blocks[block].End - 1; at >= _blocks[block].First; at--)
                {
                    var entry = _blocks[block][at];
                    // A line begins where the one before it has ended.
                    if (later is { } begin && (entry.EndsLine || entry.IsError != begin.IsError) && ++seen == lines) return begin.Number;
                    later = entry;
                }
            }

            return 0;
        }
    }

    /// <summary>Begins to read: what comes after the cursor is kept for it, up to the bound.</summary>
    /// <param name="number">The first entry that is wanted.</param>
    public LogCursor Open(long number)
    {
        var cursor = new LogCursor(this, number);
        lock (_gate) _cursors.Add(cursor);
        return cursor;
    }

    internal void Close(LogCursor cursor)
    {
        lock (_gate)
        {
            _cursors.Remove(cursor);
            DropOldest();
        }
    }

    private void Add(bool isError, ReadOnlySpan<byte> line)
    {
        var now = time.GetUtcNow();
        var before = _blocks is [.., var last] ? last.Size : 0;
        if (_blocks is not [.., var block] || !block.Add(now, isError, line))
        {
            var capacity = _blocks is [.., var full] ? Math.Clamp(bounds.NewestBytes / BlocksAtLeast, FirstBlockBytes, Math.Min(2 * full.Capacity, BlockBytesAtMost)) : FirstBlockBytes;
            block = new LogBlock(_next, Math.Max(capacity, line.Length + LogBlock.MarkBytes));
            block.Add(now, isError, line);
            _blocks.Add(block);
            before = 0;
        }

        _next++;
        _bytes += block.Size - before;
        DropOldest();
    }

    private void DropOldest()
    {
        while (_blocks.Count > 1)
        {
            var oldest = _blocks[0];
            if (_bytes - oldest.Size < bounds.NewestBytes) return;
            if (_bytes <= bounds.BytesAtMost && _cursors.Exists(c => c.Next < oldest.End)) return;
            _bytes -= oldest.Size;
            _blocks.RemoveAt(0);
        }
    }
}

/// <summary>One reader's place in a log. One thread at a time; disposal gives up what was kept for it.</summary>
public sealed class LogCursor : IDisposable
{
    private readonly ContainerLog _log;
    private long _next;

    internal LogCursor(ContainerLog log, long number) => (_log, _next) = (log, number);

    /// <summary>The number of the entry that is read next.</summary>
    public long Next => Volatile.Read(ref _next);

    /// <summary>The next entries; empty at the log's present end.</summary>
    public IReadOnlyList<LogEntry> Read(int entriesAtMost)
    {
        var entries = _log.From(_next, entriesAtMost);
        if (entries.Count > 0) Volatile.Write(ref _next, entries[^1].Number + 1);
        return entries;
    }

    public void Dispose() => _log.Close(this);
}
