namespace Kube.Nodes.Linux;

/// <summary>One entry of a log: a line with its newline, or the part of a long line that fits.</summary>
/// <param name="Number">Its place in the log, from 0; what was dropped counts, too.</param>
/// <param name="Text">The bytes as written. A partial entry has no newline at its end.</param>
public readonly record struct LogEntry(long Number, DateTimeOffset Time, bool IsError, ReadOnlyMemory<byte> Text)
{
    public bool EndsLine => Text.Length > 0 && Text.Span[^1] == (byte)'\n';
}

/// <summary>A stretch of a log. What stands in it is never changed, so that entries need no copy of their text. Not thread-safe.</summary>
/// <param name="first">The number of its first entry.</param>
/// <param name="capacity">Bytes of text and marks that fit.</param>
internal sealed class LogBlock(long first, int capacity)
{
    /// <summary>What an entry costs beside its text; so that empty lines are bounded, too.</summary>
    public const int MarkBytes = 16;

    private readonly byte[] _text = new byte[capacity];
    private readonly List<Mark> _marks = [];
    private int _used;

    private readonly record struct Mark(long Ticks, int End, bool IsError);

    public int Capacity => capacity;

    /// <summary>The number of the first entry.</summary>
    public long First => first;

    /// <summary>The number after that of the last entry.</summary>
    public long End => first + _marks.Count;

    public int Size => _used + (_marks.Count * MarkBytes);

    /// <param name="number">Of <see cref="First"/> up to <see cref="End"/>.</param>
    public LogEntry this[long number]
    {
        get
        {
            var i = (int)(number - first);
            var (mark, begin) = (_marks[i], i == 0 ? 0 : _marks[i - 1].End);
            return new LogEntry(number, new DateTimeOffset(mark.Ticks, TimeSpan.Zero), mark.IsError, _text.AsMemory(begin, mark.End - begin));
        }
    }

    /// <summary>False when it does not fit any more.</summary>
    public bool Add(DateTimeOffset time, bool isError, ReadOnlySpan<byte> text)
    {
        if (Size + MarkBytes + text.Length > capacity) return false;
        text.CopyTo(_text.AsSpan(_used));
        _used += text.Length;
        _marks.Add(new Mark(time.UtcTicks, _used, isError));
        return true;
    }
}
