using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Mpi.Dialects;
using Mpi.Model;

namespace Mpi.Cli;

/// <param name="Path">In the image; where something is missing, where it would be.</param>
/// <param name="Fix">What to write in a Dockerfile, or otherwise.</param>
public sealed record ImageFinding(FindingSeverity Severity, string Path, string Message, string Fix)
{
    public override string ToString() => $"{Path}: {(Severity == FindingSeverity.Warning ? "warning: " : "")}{Message}. Fix: {Fix}.";
}

/// <summary>What was found in an image.</summary>
/// <param name="Mpi">Null where there is none.</param>
public sealed record ImageReport(Transport Transport, RootAccount User, MpiInImage? Mpi, ImmutableArray<ImageFinding> Findings)
{
    public bool Honours => Findings.All(static f => f.Severity != FindingSeverity.Error);

    /// <summary>
    /// <code>
    /// rootfs over ssh as user (UID 1000, home /home/user): 1 fault.
    ///   /etc/ssh/sshd_config: UID 1000 cannot bind port 22. Fix: Port 2222.
    /// </code>
    /// </summary>
    public string ToText(string image)
    {
        var text = new StringBuilder($"{image} over {Transport.ToString().ToLowerInvariant()} as {User}");
        if (Mpi is not null) text.Append($" with {Mpi.Name}");
        var faults = Findings.Count(static f => f.Severity == FindingSeverity.Error);
        var warnings = Findings.Length - faults;
        var counts = string.Join(", ", new[] { Counted(faults, "fault"), Counted(warnings, "warning") }.Where(static c => c.Length > 0));
        text.Append(faults > 0 ? $": {counts}.\n" : $" honours the contract{(counts.Length > 0 ? $"; {counts}" : "")}.\n");
        foreach (var finding in Findings) text.Append("  ").Append(finding).Append('\n');
        if (Honours) text.Append(Hint());
        return text.ToString();
    }

    /// <summary>What a manifest must say to suit the image.</summary>
    private string Hint()
    {
        var lines = new List<string>();
        if (Transport == Transport.Ssh) lines.Add($"spec.sshAuthMountPath: {User.Home.TrimEnd('/')}/.ssh");
        else lines.Add($"metadata.annotations: {{ {KubeMpiAnnotations.Transport}: {Transport.ToString().ToLowerInvariant()} }}");
        if (Mpi is { Implementation: MpiImplementation.Mpich }) lines.Add("spec.mpiImplementation: MPICH");
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"securityContext.runAsUser: {User.Uid} in both roles"));
        if (User.Uid == 0 && Mpi is { Implementation: MpiImplementation.OpenMpi }) lines.Add("--allow-run-as-root among mpirun's options");
        return $"In the manifest:\n{string.Concat(lines.Select(static l => $"  {l}\n"))}";
    }

    private static string Counted(int count, string what) => count switch { 0 => "", 1 => $"1 {what}", _ => string.Create(CultureInfo.InvariantCulture, $"{count} {what}s") };
}
