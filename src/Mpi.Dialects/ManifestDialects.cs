using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>All dialects, by what stands at the top of a manifest.</summary>
public static class ManifestDialects
{
    /// <summary>Registration: one line a dialect.</summary>
    internal static ImmutableArray<IManifestDialect> Known { get; } =
    [
        new KubeflowV2Beta1Dialect(),
        new MetacontrollerDialect(),
        new KubeBatchDialect(),
    ];

    /// <summary>All of them, for those who run their jobs.</summary>
    public static ImmutableArray<IDialect> All { get; } = [.. Known];

    /// <summary>The same where kubeflow's old versions are served, too.</summary>
    public static ImmutableArray<IDialect> WithOldVersions(ConversionSettings settings) => [.. All.Select(d => d is KubeflowV2Beta1Dialect ? new KubeflowV2Beta1Dialect(settings) : d)];

    /// <summary>All, and the versions whose manifests are read though their jobs are stored as another.</summary>
    internal static ImmutableArray<IManifestDialect> Readable { get; } =
        [.. Known, .. KubeflowVersions.All.Select(static v => new OldKubeflowDialect(v, new KubeflowV2Beta1Dialect(ConversionSettings.Default)))];

    /// <summary>The dialect of an object; null when the object is no MPI job at all, or one of a version that is not known.</summary>
    public static IDialect? For(string apiVersion, string kind) => Find(apiVersion, kind);

    /// <inheritdoc cref="For"/>
    internal static IManifestDialect? Find(string apiVersion, string kind) =>
        Readable.FirstOrDefault(d => d.Kind.Kind == kind && d.Kind.ApiVersion == apiVersion);

    /// <summary>
    /// Whether an object calls itself an MPI job, though in no version that is known here. True for a kind of ours under
    /// another apiVersion; the message names what would be right.
    /// </summary>
    public static bool IsUnsupported(string apiVersion, string kind, [NotNullWhen(true)] out string? message)
    {
        message = null;
        var sameKind = Readable.Where(d => string.Equals(d.Kind.Kind, kind, StringComparison.OrdinalIgnoreCase)).ToImmutableArray();
        if (sameKind.IsEmpty || For(apiVersion, kind) is not null) return false;
        // Kinds of other systems have the same name: of whoever names a system, its own is meant.
        var meant = sameKind.Where(d => apiVersion.StartsWith(d.Kind.Group + "/", StringComparison.Ordinal)).ToImmutableArray();
        var supported = string.Join(", ", (meant.IsEmpty ? sameKind : meant).Select(static d => $"apiVersion {d.Kind.ApiVersion} with kind {d.Kind.Kind}"));
        message = apiVersion.Length == 0
            ? $"kind {kind} needs an apiVersion; supported: {supported}."
            : $"apiVersion {apiVersion} with kind {kind} is not supported; supported: {supported}.";
        return true;
    }
}
