using System.Text;
using System.Text.RegularExpressions;

namespace Conformance;

/// <summary>
/// A recorded session: commands after <c>$ </c>, each followed by what it printed and, when it failed, by its exit code in
/// brackets. A command goes on to the line <c>END</c> when it ends in <c>&lt;&lt;END</c>. Lines with <c>#</c> are comments.
/// </summary>
internal sealed partial class Transcript
{
    private readonly List<(string Comment, string Command, string Expected)> _steps = [];

    public static Transcript Parse(string text)
    {
        var transcript = new Transcript();
        var (comment, command, expected) = (new StringBuilder(), (StringBuilder?)null, new StringBuilder());
        var inside = false;
        foreach (var line in text.Split('\n'))
        {
            if (inside)
            {
                command!.Append(line).Append('\n');
                inside = line != "END";
            }
            else if (line.StartsWith("$ ", StringComparison.Ordinal))
            {
                Finish();
                command = new StringBuilder(line[2..]).Append('\n');
                inside = line.EndsWith("<<END", StringComparison.Ordinal);
            }
            else if (line.StartsWith('#'))
            {
                Finish();
                comment.Append(line).Append('\n');
            }
            else if (command is not null) expected.Append(line).Append('\n');
        }

        Finish();
        return transcript;

        void Finish()
        {
            if (command is null) return;
            transcript._steps.Add((comment.ToString(), command.ToString(), expected.ToString()));
            command = null;
            comment.Clear();
            expected.Clear();
        }
    }

    public int Count => _steps.Count;

    /// <summary>Runs every command, in a namespace of its own, and gives the session as it went this time.</summary>
    public async Task<string> PlayAsync(KubectlTarget target, string folder)
    {
        var ns = $"conformance-{Guid.NewGuid():N}"[..20];
        var kubeconfig = Path.Combine(Path.GetTempPath(), $"{ns}.kubeconfig");
        File.Copy(target.Kubeconfig, kubeconfig);
        Dictionary<string, string> environment = new() { ["KUBECONFIG"] = kubeconfig };
        try
        {
            await Shell.RunAsync($"kubectl create namespace {ns} && kubectl config set-context --current --namespace {ns}", folder, environment);
            await Shell.RunAsync("for i in 1 2 3 4 5 6 7 8 9 10; do kubectl get serviceaccount default && break; sleep 0.2; done", folder, environment);
            var session = new StringBuilder();
            foreach (var (comment, command, _) in _steps)
            {
                var (exit, output) = await Shell.RunAsync(command, folder, environment);
                session.Append(comment).Append("$ ").Append(command).Append(Normalize(output, ns));
                if (exit != 0) session.Append($"[exit {exit}]\n");
            }

            return session.ToString();
        }
        finally
        {
            await Shell.RunAsync($"kubectl delete namespace {ns} --wait=false", folder, environment);
            File.Delete(kubeconfig);
        }
    }

    /// <summary>The session as it is written down, in the same form.</summary>
    public override string ToString() => string.Concat(_steps.Select(static s => $"{s.Comment}$ {s.Command}{(s.Expected.Length > 0 ? s.Expected.TrimEnd('\n') + "\n" : "")}")).Replace("\n\n$", "\n$");

    /// <summary>Takes out what differs from run to run: uids, times, ages, revisions, addresses, widths of columns.</summary>
    private static string Normalize(string output, string ns)
    {
        var text = output.Replace(ns, "NAMESPACE").ReplaceLineEndings("\n");
        text = Uids().Replace(text, "UID");
        text = Times().Replace(text, "TIME");
        text = Revisions().Replace(text, "$1RV$2");
        text = Addresses().Replace(text, "IP");
        text = EditedFiles().Replace(text, "FILE");
        // Newer clients name the namespace of what they delete, and complain of an older server.
        text = text.Replace(" from NAMESPACE namespace", "");
        var lines = text.Split('\n').Where(static l => !l.StartsWith("WARNING: version difference", StringComparison.Ordinal)).Select(Line).Where(static l => l.Length > 0);
        var joined = string.Join('\n', lines);
        return joined.Length > 0 ? joined + "\n" : "";
    }

    /// <summary>Indentation stays: it is YAML's structure. Within a line, ages are one word and blanks are one column apart.</summary>
    private static string Line(string line)
    {
        var indent = line.Length - line.TrimStart(' ').Length;
        var rest = Ages().Replace(Ages().Replace(line[indent..].TrimEnd(), "$1AGE$2"), "$1AGE$2");
        return line[..indent] + Blanks().Replace(rest, "  ");
    }

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uids();

    [GeneratedRegex(@"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w\w\w 20\d\d \d\d:\d\d:\d\d \+0000")]
    private static partial Regex Times();

    [GeneratedRegex("(resourceVersion\"?: ?\")\\d+(\")")]
    private static partial Regex Revisions();

    [GeneratedRegex(@"10\.96\.\d+\.\d+")]
    private static partial Regex Addresses();

    [GeneratedRegex(@"/tmp/kubectl-edit-\d+\.yaml")]
    private static partial Regex EditedFiles();

    [GeneratedRegex(@"(^|  )(?:\d+[smhd])+(  |$)")]
    private static partial Regex Ages();

    [GeneratedRegex(" {2,}|\t")]
    private static partial Regex Blanks();
}
