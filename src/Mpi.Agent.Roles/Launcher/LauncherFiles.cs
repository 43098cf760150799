namespace Mpi.Agent.Roles;

/// <summary>
/// The files by which remote-shell programs find the process that holds the connections, in the volume that holds the agent itself:
/// it is the pod's own, writable for any user, and survives an in-place restart of the container, when all of them are stale.
/// </summary>
/// <param name="Directory">Of the volume.</param>
public sealed record LauncherFiles(string Directory)
{
    /// <summary>Where the process listens for calls of its own pod.</summary>
    public string Socket => Path.Combine(Directory, "launcher.sock");

    /// <summary>Held by the one call that starts the process.</summary>
    public string Lock => Path.Combine(Directory, "launcher.lock");

    /// <summary>What that process says: a call that waits in vain for it shows this.</summary>
    public string Log => Path.Combine(Directory, "launcher.log");
}
