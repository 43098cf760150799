using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Planning;

/// <summary>
/// What the user's own mpirun is told to give to ssh (<c>mpirun -mca plm_rsh_args "-p 2222"</c>), as words of the command or inside a
/// script: the gate must log in the same way. Arguments in the environment need no help, the gate has the same environment.
/// </summary>
internal static class SshArguments
{
    /// <summary>Open MPI 4's parameter and Open MPI 5's.</summary>
    private static readonly string[] Parameters = ["plm_rsh_args", "plm_ssh_args"];

    /// <returns>Null where the command has none, or has one that only a shell could evaluate.</returns>
    public static string? Of(JsonElement container)
    {
        var words = container.Items("command").Concat(container.Items("args"))
            .Where(static word => word.ValueKind == JsonValueKind.String)
            .SelectMany(static word => Words(word.GetString()!))
            .ToList();
        var at = words.FindIndex(static word => Parameters.Contains(word));
        return at >= 0 && at + 1 < words.Count && !words[at + 1].AsSpan().ContainsAny('$', '`') ? words[at + 1] : null;
    }

    /// <summary>One word stays itself unless it is a script that names a parameter; that one is taken apart at blanks, quotes kept together.</summary>
    private static List<string> Words(string text)
    {
        if (!Parameters.Any(parameter => text.Contains(parameter, StringComparison.Ordinal))) return [text];
        var words = new List<string>();
        var word = new StringBuilder();
        var (quote, inWord) = ('\0', false);
        foreach (var c in text)
        {
            if (quote != '\0' && c == quote) quote = '\0';
            else if (quote == '\0' && c is '\'' or '"') (quote, inWord) = (c, true);
            else if (quote != '\0' || !char.IsWhiteSpace(c)) inWord = word.Append(c).Length > 0;
            else if (inWord) EndWord();
        }

        if (inWord) EndWord();
        return words;

        void EndWord()
        {
            words.Add(word.ToString());
            word.Clear();
            inWord = false;
        }
    }
}
