namespace Kube.Nodes.Linux;

/// <summary>One entry of a log: a line with its newline, or the part of a long line that fits.</summary>
/// <param name="Text">The bytes as written. A partial entry has no newline at its end.</param>
public sealed record LogEntry(long Number, DateTimeOffset Time, bool IsError, ReadOnlyMemory<byte> Text)
{
    public bool EndsLine => Text.Length > 0 && Text.Span[^1] == (byte)'\n';
}

/// <summary>
/// What one container wrote, in memory and bounded: the oldest lines go first. Kept after the container's end, as long as
/// the pod lives and no later run replaces it. Thread-safe: two pipes write, any number of readers follow.
/// </summary>
public sealed class ContainerLog(TimeProvider time, int bytesAtMost = ContainerLog.DefaultBytesAtMost)
{
    /// <summary>The kubelet's size of one log file (<c>containerLogMaxSize</c>).</summary>
    public const int DefaultBytesAtMost = 10 * 1024 * 1024;

    /// <summary>Longer lines are split, as the container runtime interface does.</summary>
    public const int LineBytesAtMost = 16 * 1024;

    /// <summary>What an entry costs beside its text; so that empty lines are bounded, too.</summary>
    private const int EntryOverhead = 96;

    private readonly Lock _gate = new();
    private readonly Queue<LogEntry> _entries = new();
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
                var take = newline >= 0 ? newline + 1 : bytes.Length;
                take = Math.Min(take, LineBytesAtMost - unfinished.Length);
                byte[] line = [.. unfinished, .. bytes[..take]];
                bytes = bytes[take..];
                if (line[^1] == (byte)'\n' || line.Length == LineBytesAtMost)
                {
                    Add(isError, line);
                    unfinished = [];
                    changed = _changed;
                }
                else
                {
                    unfinished = line;
                }
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
        lock (_gate) return [.. _entries.SkipWhile(e => e.Number < number).Take(entriesAtMost)];
    }

    /// <summary>The number of the first entry of the last so many lines.</summary>
    public long Tail(long lines)
    {
        lock (_gate)
        {
            if (lines <= 0) return _next;
            var entries = _entries.ToArray();
            var seen = 0L;
            for (var i = entries.Length - 1; i >= 0; i--)
            {
                // A line begins where the one before it has ended.
                var begins = i == 0 || entries[i - 1].EndsLine || entries[i - 1].IsError != entries[i].IsError;
                if (begins && ++seen == lines) return entries[i].Number;
            }

            return 0;
        }
    }

    private void Add(bool isError, byte[] line)
    {
        _entries.Enqueue(new LogEntry(_next++, time.GetUtcNow(), isError, line));
        _bytes += line.Length + EntryOverhead;
        while (_bytes > bytesAtMost && _entries.Count > 1) _bytes -= _entries.Dequeue().Text.Length + EntryOverhead;
    }
}
