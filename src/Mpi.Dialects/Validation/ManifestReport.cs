using System.Collections.Immutable;
using System.Text;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>A manifest as read, with everything that was found in it.</summary>
/// <param name="Documents">The objects of the text, in order; none when it is no YAML.</param>
/// <param name="Findings">In the order in which they stand in the text.</param>
public sealed record ManifestReport(IReadOnlyList<YamlDocument> Documents, ImmutableArray<ManifestFinding> Findings)
{
    public bool HasErrors => Findings.Any(static f => f.Severity == FindingSeverity.Error);

    /// <summary>
    /// All findings of a file as one message, its head counting them; empty when there are none.
    /// <code>
    /// examples/x.yaml is not valid: 2 errors, 1 warning.
    ///   examples/x.yaml:12: spec.mpiReplicaSpecs[Launcher].replicas: must be 1, not 2. Fix: Write replicas: 1, or leave it out.
    /// </code>
    /// </summary>
    public string ToText(string file)
    {
        if (Findings.IsEmpty) return "";
        var errors = Findings.Count(static f => f.Severity == FindingSeverity.Error);
        var warnings = Findings.Length - errors;
        var counts = string.Join(", ", new[] { Counted(errors, "error"), Counted(warnings, "warning") }.Where(static c => c.Length > 0));
        var text = new StringBuilder($"{file}{(errors > 0 ? " is not valid" : "")}: {counts}.\n");
        foreach (var finding in Findings) text.Append("  ").Append(finding.ToLine(file)).Append('\n');
        return text.ToString();
    }

    private static string Counted(int count, string what) => count switch { 0 => "", 1 => $"1 {what}", _ => $"{count} {what}s" };
}
