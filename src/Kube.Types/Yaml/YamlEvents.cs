using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Kube.Types;

/// <summary>The parser's events, with every failure of the parser a <see cref="YamlException"/> that has a position.</summary>
internal sealed class YamlEvents : IParser
{
    private readonly Scanner _scanner;
    private readonly Parser _parser;

    public YamlEvents(string text)
    {
        _scanner = new Scanner(new StringReader(text));
        _parser = new Parser(_scanner);
    }

    public ParsingEvent? Current => _parser.Current;

    public bool MoveNext()
    {
        try
        {
            return _parser.MoveNext();
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            // The scanner throws these for some broken texts, such as a list in brackets that is never closed.
            var at = _scanner.CurrentPosition;
            throw new YamlException(at, at, "the text breaks off or is misplaced here: a bracket or quote before it may not be closed", fault);
        }
    }
}
