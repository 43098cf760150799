using System.Text;

namespace Conformance;

/// <summary>Two texts' different lines, <c>-</c> for what was expected and <c>+</c> for what came, with a line of what is equal around them.</summary>
internal static class LineDifference
{
    private const int Context = 1;

    public static void Write(StringBuilder text, string[] expected, string[] actual)
    {
        var edits = Edits(expected, actual);
        var last = -1;
        for (var i = 0; i < edits.Count; i++)
        {
            var near = edits.Skip(Math.Max(0, i - Context)).Take(2 * Context + 1).Any(static e => e.Mark != ' ');
            if (!near) continue;
            if (last >= 0 && i > last + 1) text.Append("  ...\n");
            last = i;
            text.Append(edits[i].Mark).Append(' ').Append(edits[i].Line).Append('\n');
        }
    }

    /// <summary>The longest common subsequence's walk; outputs of one command are short enough for its square.</summary>
    private static List<(char Mark, string Line)> Edits(string[] a, string[] b)
    {
        var common = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length - 1; i >= 0; i--)
        {
            for (var j = b.Length - 1; j >= 0; j--) common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        var edits = new List<(char, string)>();
        var (x, y) = (0, 0);
        while (x < a.Length || y < b.Length)
        {
            if (x < a.Length && y < b.Length && a[x] == b[y])
            {
                edits.Add((' ', a[x++]));
                y++;
            }
            else if (x < a.Length && (y == b.Length || common[x + 1, y] >= common[x, y + 1])) edits.Add(('-', a[x++]));
            else edits.Add(('+', b[y++]));
        }

        return edits;
    }
}
