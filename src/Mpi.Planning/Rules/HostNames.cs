using Mpi.Model;

namespace Mpi.Planning;

/// <summary>Open MPI 4's mpirun crashes ("stack smashing detected") on host names of more than 56 characters, as they stand in the hostfile.</summary>
internal static class HostNames
{
    private const int OpenMpiLimit = 56;

    /// <summary>A warning for a job whose longest host name is more than Open MPI bears; null for all others.</summary>
    public static PlanEvent? TooLong(Draft draft)
    {
        if (draft.Run.Mpi != MpiImplementation.OpenMpi || draft.Run.Workers.Count == 0) return null;
        var profile = draft.Scene.Profile;
        var host = profile.Host(profile.Worker(draft.Run.Workers.Count - 1), draft.Scene.Options.ClusterDomain);
        return host.Length <= OpenMpiLimit
            ? null
            : PlanEvent.Warning("HostNameTooLong", $"host name {host} has {host.Length} characters; Open MPI 4 crashes on more than {OpenMpiLimit}. Use a shorter job name or namespace.");
    }
}
