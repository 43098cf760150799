using System.Text;
using System.Text.RegularExpressions;

namespace Conformance;

/// <summary>
/// A recorded session: commands after <c>$ </c>, each followed by what it printed and, when it failed, by its exit code in
/// brackets. A command goes on to the line <c>END</c> when it ends in <c>&lt;&lt;END</c>. Lines with <c>#</c> are comments.
/// The word NAMESPACE in a command stands for the session's own namespace. A command under <c># since kubectl 1.31</c> is one that
/// older ones do not have.
/// </summary>
internal sealed partial class Transcript
{
    private readonly List<Step> _steps = [];

    private sealed record Step(string Comment, string Command, string Output)
    {
        public bool IsFor(int kubectl) => !int.TryParse(Since().Match(Comment).Groups["minor"].ValueSpan, out var since) || kubectl >= since;
    }

    [GeneratedRegex(@"^# since kubectl 1\.(?<minor>\d+)$", RegexOptions.Multiline)]
    private static partial Regex Since();

    public int Count => _steps.Count;

    public static Transcript Parse(string text)
    {
        var transcript = new Transcript();
        var (comment, command, output) = (new StringBuilder(), (StringBuilder?)null, new StringBuilder());
        var inside = false;
        foreach (var line in text.TrimEnd('\n').Split('\n'))
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
                inside = line.Contains("<<END", StringComparison.Ordinal);
            }
            else if (line.StartsWith('#'))
            {
                Finish();
                comment.Append(line).Append('\n');
            }
            else if (command is not null) output.Append(line).Append('\n');
        }

        Finish();
        return transcript;

        void Finish()
        {
            if (command is null) return;
            transcript._steps.Add(new Step(comment.ToString(), command.ToString(), output.ToString()));
            command = null;
            comment.Clear();
            output.Clear();
        }
    }

    /// <summary>Runs every command, in a namespace, a folder and a discovery cache of its own, and gives the session as it went this time.</summary>
    /// <param name="files">The folder with the manifests that the commands name.</param>
    /// <param name="kubectl">Its minor version; what it does not have is left as it was recorded.</param>
    public async Task<Transcript> PlayAsync(KubectlTarget target, string files, int kubectl)
    {
        var ns = $"conformance-{Guid.NewGuid():N}"[..20];
        var folder = Directory.CreateTempSubdirectory("kubempi-session-").FullName;
        foreach (var file in Directory.EnumerateFiles(files)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var kubeconfig = Path.Combine(folder, "kubeconfig");
        File.Copy(target.Kubeconfig, kubeconfig);
        Dictionary<string, string> environment = new(Kubectl.Environment)
        {
            ["KUBECONFIG"] = kubeconfig, ["HOME"] = folder, ["KUBECACHEDIR"] = Path.Combine(folder, "cache"), ["TZ"] = "UTC", ["LC_ALL"] = "C",
        };
        try
        {
            await Shell.RunAsync($"kubectl create namespace {ns} && kubectl config set-context --current --namespace {ns}", folder, environment);
            // A namespace is ready for pods when its account is there.
            await Shell.RunAsync("for i in 1 2 3 4 5 6 7 8 9 10; do kubectl get serviceaccount default && break; sleep 0.2; done", folder, environment);
            var played = new Transcript();
            foreach (var step in _steps)
            {
                if (!step.IsFor(kubectl))
                {
                    played._steps.Add(step);
                    continue;
                }

                var (exit, output) = await Shell.RunAsync(step.Command.Replace("NAMESPACE", ns), folder, environment);
                var text = Normal.Form(output, ns, folder) + (exit != 0 ? $"[exit {exit}]\n" : "");
                played._steps.Add(step with { Output = text });
            }

            return played;
        }
        finally
        {
            // No kubelet lets go of the pods; their namespace would wait for them.
            await Shell.RunAsync($"kubectl delete pods --all --force; kubectl delete namespace {ns} --wait=false", folder, environment);
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The session as it is written down.</summary>
    public override string ToString() => string.Concat(_steps.Select(static s => $"{s.Comment}$ {s.Command}{s.Output}"));

    /// <summary>What went otherwise, each place under its command, line by line; empty when nothing did.</summary>
    public string DifferenceFrom(Transcript recorded)
    {
        var text = new StringBuilder();
        foreach (var (expected, actual) in recorded._steps.Zip(_steps))
        {
            if (expected.Output == actual.Output) continue;
            text.Append("$ ").Append(expected.Command);
            LineDifference.Write(text, expected.Output.Split('\n'), actual.Output.Split('\n'));
            text.Append('\n');
        }

        return text.ToString();
    }
}
