using Mpi.Model;

namespace Mpi.Cli;

/// <summary>The MPI of an image, known by the daemon that its mpirun starts on other hosts.</summary>
/// <param name="Launcher">mpirun or mpiexec, links followed.</param>
/// <param name="Daemon">The program's name; mpirun calls it without a folder unless it is called with one itself.</param>
/// <param name="DaemonFile">Where it is.</param>
public sealed record MpiInImage(string Name, MpiImplementation Implementation, RootFile Launcher, string Daemon, RootFile DaemonFile)
{
    private static readonly (string Daemon, string Name, MpiImplementation Implementation)[] Known =
    [
        ("prted", "Open MPI 5", MpiImplementation.OpenMpi),
        ("orted", "Open MPI 4", MpiImplementation.OpenMpi),
        ("hydra_pmi_proxy", "MPICH", MpiImplementation.Mpich),
    ];

    /// <returns>Null with what is missing in <paramref name="missing"/>.</returns>
    public static MpiInImage? Find(RootFiles files, string searchPath, out string missing)
    {
        missing = "mpirun";
        if ((files.FindProgram("mpirun", searchPath) ?? files.FindProgram("mpiexec", searchPath)) is not { } launcher) return null;

        // Beside mpirun first: several MPIs may be installed, and each has its daemon near.
        var places = $"{launcher.Path[..launcher.Path.LastIndexOf('/')]}:{searchPath}";
        var program = launcher.Path[(launcher.Path.LastIndexOf('/') + 1)..];
        var hydraFirst = program.Contains("mpich", StringComparison.Ordinal) || program.Contains("hydra", StringComparison.Ordinal);
        foreach (var (daemon, name, implementation) in hydraFirst ? Known.Reverse() : Known)
        {
            if (files.FindProgram(daemon, places) is { } file) return new MpiInImage(name, implementation, launcher, daemon, file);
        }

        missing = string.Join(" or ", Known.Select(static k => k.Daemon));
        return null;
    }
}
