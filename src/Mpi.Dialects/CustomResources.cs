using System.Collections.Immutable;

namespace Mpi.Dialects;

/// <summary>The definitions of the kinds that dialects are stored as, for <c>install</c> and the local cluster; the files stand in deploy/crd.</summary>
public static class CustomResources
{
    /// <summary>One of each kind, with all its versions, as YAML. Where they are applied kubeflow's versions must be converted (<see cref="KubeflowConversion"/>).</summary>
    public static ImmutableArray<string> All() => [.. ManifestDialects.WithOldVersions(ConversionSettings.Default).Select(static d => ((IManifestDialect)d).Definition)];

    /// <summary>kubeflow's MPIJob with version v2beta1, as YAML.</summary>
    public static string MpiJobs() => Read("Mpi.Dialects.crd.mpijobs.yaml");

    /// <summary>The same with versions v1, v1alpha2 and v1alpha1 as well, and without the conversion that they need.</summary>
    public static string LegacyMpiJobs() => Read("Mpi.Dialects.crd.legacy.mpijobs.yaml");

    /// <summary>The MPIJob of skatelescope.org.</summary>
    public static string MetacontrollerMpiJobs() => Read("Mpi.Dialects.crd.metacontroller.mpijobs.yaml");

    /// <summary>kube-batch's MPI.</summary>
    public static string Mpis() => Read("Mpi.Dialects.crd.mpis.yaml");

    private static string Read(string name)
    {
        using var stream = typeof(CustomResources).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the build has left out the embedded file {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
