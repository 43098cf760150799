using Kube.Testing;

namespace Simulation;

/// <summary>The rights that deploy/install.yaml gives the operator. Every simulated operator has these and no others.</summary>
public static class OperatorRights
{
    public static GrantedRights Granted { get; } = GrantedRights.Read(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "install.yaml")), "mpi-operator");
}
