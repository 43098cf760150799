using Kube.Testing;

namespace Simulation;

/// <summary>The rights that deploy/install.yaml gives the operator. Every simulated operator has these and no others.</summary>
public static class OperatorRights
{
    public static GrantedRights Granted { get; } = Read(Text("install.yaml"));

    /// <summary>Those of deploy/metacontroller.yaml as well.</summary>
    public static GrantedRights WithMetacontroller { get; } = Read($"{Text("install.yaml")}\n---\n{Text("metacontroller.yaml")}");

    /// <summary>Those of profile legacy as well.</summary>
    public static GrantedRights WithOldVersions { get; } = Read($"{Text("install.yaml")}\n---\n{Text("legacy-rights.yaml")}");

    /// <summary>Those of deploy/metacontroller.yaml alone.</summary>
    public static GrantedRights OfMetacontroller { get; } = Read(Text("metacontroller.yaml"));

    /// <summary>Those of deploy/kube-batch.yaml as well.</summary>
    public static GrantedRights WithKubeBatch { get; } = Read($"{Text("install.yaml")}\n---\n{Text("kube-batch.yaml")}");

    /// <summary>Those of deploy/kube-batch.yaml alone.</summary>
    public static GrantedRights OfKubeBatch { get; } = Read(Text("kube-batch.yaml"));

    private static GrantedRights Read(string manifests) => GrantedRights.Read(manifests, "mpi-operator");

    private static string Text(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file));
}
