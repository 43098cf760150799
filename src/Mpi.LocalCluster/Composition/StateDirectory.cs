using System.Globalization;

namespace Mpi.LocalCluster;

/// <summary>
/// The folder of one local cluster: kubeconfig, and what else must be seen from outside. Only its owner can read it, and it
/// goes with the cluster. What a killed cluster left is removed by the next one: a folder is named for the process that
/// made it, by PID and start time, because PIDs are used again.
/// </summary>
public sealed class StateDirectory : IDisposable
{
    private StateDirectory(string path) => Path = path;

    public string Path { get; }

    /// <param name="parent">Holds the folders of this user's clusters; made when absent.</param>
    public static StateDirectory Create(string parent)
    {
        PrivateFolder.Ensure(parent);
        RemoveAbandoned(parent);
        var path = System.IO.Path.Combine(parent, $"{Environment.ProcessId}-{ProcessIdentity.StartOf(Environment.ProcessId)}");
        for (var n = 2; Directory.Exists(path); n++) path = System.IO.Path.Combine(parent, $"{Environment.ProcessId}-{ProcessIdentity.StartOf(Environment.ProcessId)}-{n.ToString(CultureInfo.InvariantCulture)}");
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new StateDirectory(path);
    }

    /// <summary>Where this user's clusters are by default: the runtime folder of the session where there is one.</summary>
    public static string DefaultParent() =>
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && PrivateFolder.IsOwn(runtime)
            ? System.IO.Path.Combine(runtime, "kubempi")
            : System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"kubempi-{Environment.UserName}");

    public void Dispose()
    {
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
        PrivateFolder.RemoveIfEmpty(System.IO.Path.GetDirectoryName(Path)!);
    }

    /// <summary>Removes the folders of clusters whose process is gone.</summary>
    internal static void RemoveAbandoned(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent))
        {
            var parts = System.IO.Path.GetFileName(folder).Split('-');
            if (parts.Length < 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) continue;
            if (ProcessIdentity.StartOf(pid) != parts[1]) Directory.Delete(folder, recursive: true);
        }
    }
}
