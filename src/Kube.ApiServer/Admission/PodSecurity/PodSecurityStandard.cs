using System.Globalization;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The levels of the Pod Security Standards, from the loosest to the strictest.</summary>
internal enum PodSecurityLevel { Privileged, Baseline, Restricted }

/// <summary>A level, and the minor version of Kubernetes whose rules it means; null for the newest.</summary>
internal readonly record struct PodSecurityStandard(PodSecurityLevel Level, int? Minor)
{
    /// <summary>Such as <c>restricted:latest</c> or <c>baseline:v1.30</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Level.ToString().ToLowerInvariant()}:{(Minor is { } minor ? $"v1.{minor}" : "latest")}");

    /// <summary>Whether pods that passed the other one may fail this one.</summary>
    public bool IsStricterThan(PodSecurityStandard other) => this != other && Level != PodSecurityLevel.Privileged && (Minor != other.Minor || Level > other.Level);
}

/// <summary>
/// What a namespace's labels <c>pod-security.kubernetes.io/...</c> ask for. A value that is none counts as the strictest for what is
/// enforced, and as nothing for what is only told.
/// </summary>
/// <param name="Enforce">What pods must pass.</param>
/// <param name="Warn">What authors of pods and of pod templates are warned of.</param>
internal sealed record PodSecurityPolicy(PodSecurityStandard Enforce, PodSecurityStandard Warn)
{
    private const string Prefix = "pod-security.kubernetes.io/";
    private static readonly string[] Modes = ["enforce", "audit", "warn"];

    /// <param name="faults">Receives the labels whose values are none.</param>
    public static PodSecurityPolicy Read(IReadOnlyDictionary<string, string> labels, List<FieldError> faults)
    {
        var standards = Modes.ToDictionary(static mode => mode, mode => Standard(labels, mode, faults), StringComparer.Ordinal);
        return new PodSecurityPolicy(standards["enforce"], standards["warn"]);
    }

    private static PodSecurityStandard Standard(IReadOnlyDictionary<string, string> labels, string mode, List<FieldError> faults)
    {
        var level = PodSecurityLevel.Privileged;
        if (labels.TryGetValue(Prefix + mode, out var text))
        {
            switch (text)
            {
                case "privileged": break;
                case "baseline": level = PodSecurityLevel.Baseline; break;
                case "restricted": level = PodSecurityLevel.Restricted; break;
                default:
                    faults.Add(FieldError.Invalid($"metadata.labels[{Prefix}{mode}]", $"\"{text}\"", "must be one of privileged, baseline, restricted"));
                    if (mode == "enforce") level = PodSecurityLevel.Restricted;
                    break;
            }
        }

        int? minor = null;
        if (labels.TryGetValue($"{Prefix}{mode}-version", out var version) && version != "latest")
        {
            minor = Minor(version);
            if (minor is null) faults.Add(FieldError.Invalid($"metadata.labels[{Prefix}{mode}-version]", $"\"{version}\"", "must be \"latest\" or \"v1.x\""));
        }

        return new PodSecurityStandard(level, minor);
    }

    /// <summary>N of <c>v1.N</c>, without leading zeros.</summary>
    private static int? Minor(string version) =>
        version.StartsWith("v1.", StringComparison.Ordinal) && int.TryParse(version.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out var minor) && version == $"v1.{minor.ToString(CultureInfo.InvariantCulture)}"
            ? minor
            : null;
}
