using Kube.Types;

namespace Mpi.Dialects;

/// <summary>One thing that is wrong with a manifest, or that its author probably did not mean.</summary>
/// <param name="Id">Stable name of the rule, for tests and for looking it up; empty for the dialects' own faults.</param>
/// <param name="At">Where it stands in the text.</param>
/// <param name="Path">The field's path within its object, such as <c>spec.mpiReplicaSpecs[Launcher].replicas</c>; empty for the whole object.</param>
/// <param name="Message">What is wrong, without a final full stop where a path stands before it.</param>
/// <param name="Fix">What to write instead; null where the message says it already.</param>
public sealed record ManifestFinding(FindingSeverity Severity, string Id, YamlPosition At, string Path, string Message, string? Fix)
{
    /// <summary>
    /// One line: <c>examples/x.yaml:12: spec.mpiReplicaSpecs[Launcher].replicas: must be 1, not 2. Fix: Write replicas: 1, or leave it out.</c>
    /// </summary>
    public string ToLine(string file)
    {
        var severity = Severity == FindingSeverity.Warning ? "warning: " : "";
        var path = Path.Length > 0 ? $"{Path}: " : "";
        return $"{file}:{At.Line}: {severity}{path}{WithStop(Message)}{(Fix is null ? "" : $" Fix: {WithStop(Fix)}")}";
    }

    private static string WithStop(string sentence) => sentence.EndsWith('.') || sentence.EndsWith('?') ? sentence : sentence + ".";
}

public enum FindingSeverity
{
    /// <summary>The job would be refused, or could not run.</summary>
    Error,

    /// <summary>The job runs, though perhaps not as meant.</summary>
    Warning,
}
