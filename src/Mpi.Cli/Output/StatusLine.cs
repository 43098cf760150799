namespace Mpi.Cli;

/// <summary>
/// One live line at the foot of a terminal, beneath what scrolls by. Both streams of the program go through here, so that
/// output never runs into the line. On anything but a terminal the live line is not written at all. Thread-safe.
/// </summary>
public sealed class StatusLine(TextWriter output, TextWriter error, bool live, Func<int> width)
{
    private const string EraseLine = "\r\u001b[2K";
    private readonly Lock _gate = new();
    private string _text = "";

    /// <summary>Shows a text in place of the one before; empty shows nothing.</summary>
    public void Show(string text)
    {
        if (!live) return;
        lock (_gate)
        {
            if (text == _text) return;
            _text = text;
            Draw();
        }
    }

    /// <summary>Writes program output, which may end in the middle of a line only at the very end.</summary>
    public void Output(string text) => Write(output, text);

    /// <summary>Writes a line for people.</summary>
    public void Say(string line) => Write(error, line + "\n");

    private void Write(TextWriter stream, string text)
    {
        lock (_gate)
        {
            if (live && _text.Length > 0) error.Write(EraseLine);
            if (live) error.Flush();
            stream.Write(text);
            stream.Flush();
            Draw();
        }
    }

    private void Draw()
    {
        if (!live) return;
        var room = Math.Max(20, width() - 1);
        error.Write(EraseLine);
        error.Write(_text.Length > room ? string.Concat(_text.AsSpan(0, room - 1), "…") : _text);
        error.Flush();
    }
}
