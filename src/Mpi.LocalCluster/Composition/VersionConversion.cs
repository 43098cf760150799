using System.Collections.Immutable;
using Kube.ApiServer;
using Mpi.Dialects;

namespace Mpi.LocalCluster;

/// <summary>What a conversion webhook does in a cluster, the API server here does in process: all versions of MPIJob are served.</summary>
internal static class VersionConversion
{
    public static readonly ConversionSettings Settings = ConversionSettings.Default;

    public static ImmutableDictionary<string, ConvertResource> Converters { get; } = ImmutableDictionary<string, ConvertResource>.Empty
        .Add("mpijobs.kubeflow.org", static (job, apiVersion) => KubeflowConversion.Convert(job, apiVersion, Settings));
}
