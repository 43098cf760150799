using System.Collections.Immutable;

namespace Mpi.Dialects;

/// <summary>The definitions of the kinds that dialects are stored as, for <c>install</c> and the local cluster; the files stand in deploy/crd.</summary>
public static class CustomResources
{
    /// <summary>One of each kind, with all its versions, as YAML. Where they are applied kubeflow's versions must be converted (<see cref="KubeflowConversion"/>).</summary>
    public static ImmutableArray<string> All() => [.. ManifestDialects.WithOldVersions(ConversionSettings.Default).Select(static d => ((IManifestDialect)d).Definition)];

    /// <summary>kubeflow's MPIJob with version v2beta1, as YAML.</summary>
    public static string MpiJobs() => Read("mpijobs.yaml");

    /// <summary>The same with versions v1, v1alpha2 and v1alpha1 as well, and without the conversion that they need.</summary>
    public static string LegacyMpiJobs() => Read("legacy/mpijobs.yaml");

    /// <summary>The definition in a file below deploy/crd, as YAML.</summary>
    /// <param name="file">For example <c>kube-batch/mpis.yaml</c>.</param>
    public static string Read(string file)
    {
        using var stream = typeof(CustomResources).Assembly.GetManifestResourceStream($"crd/{file}")
            ?? throw new InvalidOperationException($"the build has left out deploy/crd/{file}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
