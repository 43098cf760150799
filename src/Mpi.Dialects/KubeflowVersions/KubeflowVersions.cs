using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>The old versions, newest first.</summary>
internal static class KubeflowVersions
{
    public static ImmutableArray<KubeflowVersion> All { get; } = [new KubeflowV1(), new KubeflowV1Alpha2(), new KubeflowV1Alpha1()];

    /// <summary>Null for the stored version and for what is no version of MPIJob.</summary>
    public static KubeflowVersion? Of(string apiVersion) => All.FirstOrDefault(v => v.Kind.ApiVersion == apiVersion);

    /// <summary>What a stored job was written as; null for v2beta1 itself.</summary>
    public static KubeflowVersion? OriginOf(ObjectMeta job) =>
        job.Annotations.GetValueOrDefault(KubeMpiAnnotations.Origin) is { } origin ? All.FirstOrDefault(v => v.Version == origin) : null;
}
