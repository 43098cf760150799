using System.Diagnostics.CodeAnalysis;

namespace Kube.Client;

/// <summary>Cuts a stream of bytes, which may arrive in any pieces, into lines. A line beyond the limit is kept up to <see cref="KeptOfLongLines"/> and marked as cut.</summary>
internal sealed class LineBuffer(int lineBytesMax)
{
    /// <summary>An object has 1.5 MiB at most in etcd; as JSON in an event, some more.</summary>
    public const int LineBytesDefault = 16 * 1024 * 1024;

    /// <summary>Enough to name the object whose line was too long.</summary>
    private const int KeptOfLongLines = 16 * 1024;

    private byte[] _bytes = [];
    private int _start;
    private int _end;
    private int _scanned;
    private int _line = -1;
    private bool _skipping;

    /// <summary>Bytes held, complete lines and the begin of the next.</summary>
    public int Length => _end - _start;

    public bool HasLine => FindLine() >= 0;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_skipping)
        {
            // Only the line feed of a line that was too long still matters.
            var end = bytes.IndexOf((byte)'\n');
            if (end < 0) return;
            bytes = bytes[end..];
        }

        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_end));
        _end += bytes.Length;
        if (_skipping)
        {
            _skipping = false;
            _cutLine = _end - bytes.Length;
        }

        if (FindLine() < 0 && Length > lineBytesMax)
        {
            _end = _start + Math.Min(Length, KeptOfLongLines);
            _scanned = _end;
            _skipping = true;
        }
    }

    private int _cutLine = -1;

    public bool TryTake([NotNullWhen(true)] out byte[]? line, out bool cut)
    {
        (line, cut) = (null, false);
        var end = FindLine();
        if (end < 0) return false;
        line = _bytes.AsSpan(_start, end - _start).ToArray();
        cut = end == _cutLine;
        if (cut) _cutLine = -1;
        _start = end + 1;
        _scanned = _start;
        _line = -1;
        if (_start == _end)
        {
            _start = _end = _scanned = 0;
            // A burst's buffer is not kept for the idle hours after it.
            if (_bytes.Length > 256 * 1024) _bytes = [];
        }

        return true;
    }

    private int FindLine()
    {
        if (_line >= 0) return _line;
        var found = _bytes.AsSpan(_scanned, _end - _scanned).IndexOf((byte)'\n');
        if (found < 0) _scanned = _end;
        else _line = _scanned + found;
        return _line;
    }

    private void Reserve(int more)
    {
        if (_end + more <= _bytes.Length) return;
        var size = Length + more;
        var target = size <= _bytes.Length / 2 ? _bytes : new byte[Math.Max(4096, Math.Max(size, Math.Min(_bytes.Length * 2L, Array.MaxLength)))];
        _bytes.AsSpan(_start, Length).CopyTo(target);
        _bytes = target;
        _scanned -= _start;
        if (_line >= 0) _line -= _start;
        if (_cutLine >= 0) _cutLine -= _start;
        _end -= _start;
        _start = 0;
    }
}
