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
        Directory.CreateDirectory(parent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        RemoveAbandoned(parent);
        var path = System.IO.Path.Combine(parent, $"{Environment.ProcessId}-{StartTime(Environment.ProcessId)}");
        for (var n = 2; Directory.Exists(path); n++) path = System.IO.Path.Combine(parent, $"{Environment.ProcessId}-{StartTime(Environment.ProcessId)}-{n.ToString(CultureInfo.InvariantCulture)}");
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new StateDirectory(path);
    }

    /// <summary>Where this user's clusters are by default: the runtime folder of the session where there is one.</summary>
    public static string DefaultParent() =>
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Directory.Exists(runtime)
            ? System.IO.Path.Combine(runtime, "kubempi")
            : System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"kubempi-{Environment.UserName}");

    public void Dispose()
    {
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
        RemoveIfEmpty(System.IO.Path.GetDirectoryName(Path)!);
    }

    private static void RemoveAbandoned(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent))
        {
            var parts = System.IO.Path.GetFileName(folder).Split('-');
            if (parts.Length < 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) continue;
            if (StartTime(pid) != parts[1]) Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Another cluster may be starting beside this one: only an empty folder goes.</summary>
    private static void RemoveIfEmpty(string parent)
    {
        try
        {
            if (!Directory.EnumerateFileSystemEntries(parent).Any()) Directory.Delete(parent);
        }
        catch (IOException)
        {
            // Somebody has just put something in it, or removed it first; both are fine.
        }
    }

    /// <summary>Field 22 of <c>/proc/PID/stat</c> (proc(5)), in clock ticks since boot; empty when there is no such process.</summary>
    private static string StartTime(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
            // The second field is the command in parentheses and may hold spaces: count from behind it.
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
