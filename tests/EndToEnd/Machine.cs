using System.Collections.Immutable;
using System.Globalization;

namespace EndToEnd;

/// <summary>What this machine's kernel holds for a cluster, read from /proc.</summary>
internal static class Machine
{
    private static readonly string[] Shells = ["sh", "bash", "dash", "ash", "busybox", "ksh", "zsh"];

    /// <summary>Every process below another one, each as its PID with its start time, because PIDs are used again.</summary>
    public static ImmutableArray<string> Descendants(int root) => [.. Below(root).Select(Identity).Where(static i => !i.EndsWith(" gone", StringComparison.Ordinal))];

    /// <summary>The kernel's names of the programs that run below a process now.</summary>
    public static IEnumerable<string> Programs(int root) => Below(root).Select(Program).Where(static name => name.Length > 0);

    /// <summary>
    /// The same, and of each that is a shell of a container its command line. The node's own shells are none of these: the first process of a
    /// container's PID namespace, and what that forks until it becomes another program, which is the same command line.
    /// </summary>
    public static IEnumerable<(string Program, string? ContainerShell)> ProgramsAndShells(int root)
    {
        var own = PidNamespace(Environment.ProcessId);
        return Below(root).Select(pid => (Program(pid), Shells.Contains(Path.GetFileName(Link($"/proc/{pid}/exe"))) ? ContainerShell(pid, own) : null));
    }

    private static string? ContainerShell(int shell, string own)
    {
        var container = PidNamespace(shell);
        if (container == own || CommandLine(shell) is not { Length: > 0 } line) return null;
        var first = shell;
        while (Parent(first) is { } parent && PidNamespace(parent) == container) first = parent;
        // Other namespaces than containers' are the node's (src/Kube.Nodes/Linux/Sandbox/RunningContainer.cs).
        return CommandLine(first) is { } script && script.EndsWith("/start", StringComparison.Ordinal) && line != script ? line : null;
    }

    public static bool Lives(string identity) => Identity(int.Parse(identity.Split(' ')[0], CultureInfo.InvariantCulture)) == identity;

    /// <summary>The namespaces that a cluster's processes are in and this process is not.</summary>
    public static ImmutableHashSet<string> Namespaces(int cluster)
    {
        var own = NamespacesOf(Environment.ProcessId).ToHashSet(StringComparer.Ordinal);
        return [.. Below(cluster).SelectMany(NamespacesOf).Where(n => !own.Contains(n))];
    }

    /// <summary>The processes that are in one of these namespaces.</summary>
    public static IReadOnlyList<int> Inside(ImmutableHashSet<string> namespaces) => [.. Pids().Where(pid => NamespacesOf(pid).Any(namespaces.Contains))];

    /// <summary>The mounts of this machine, as this process sees them, that have to do with a text.</summary>
    public static IReadOnlyList<string> Mounts(string text) => [.. File.ReadLines("/proc/self/mountinfo").Where(l => l.Contains(text, StringComparison.Ordinal))];

    /// <summary>The control groups of this machine whose path has a text.</summary>
    public static IReadOnlyList<string> ControlGroups(string text) => Directory.Exists("/sys/fs/cgroup")
        ? [.. Directory.EnumerateDirectories("/sys/fs/cgroup", $"*{text}*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint })]
        : [];

    public static Footprint Measure(int cluster)
    {
        var processes = Below(cluster).ToList();
        return new Footprint(
            processes.Count,
            Directory.EnumerateFileSystemEntries($"/proc/{cluster}/fd").Count(),
            Distinct(processes, "mnt").Sum(static pid => Lines($"/proc/{pid}/mountinfo")),
            Distinct(processes, "net").Sum(static pid => Math.Max(0, Lines($"/proc/{pid}/net/dev") - 2)),
            Directory.EnumerateDirectories($"/proc/{cluster}/task").Count(),
            MemoryOf(cluster));
    }

    private static IEnumerable<int> Distinct(List<int> processes, string ns) =>
        processes.GroupBy(pid => Link($"/proc/{pid}/ns/{ns}")).Where(static g => g.Key.Length > 0).Select(static g => g.First());

    private static List<int> Below(int root)
    {
        var children = Pids().Select(static pid => (Pid: pid, Stat: Stat(pid))).Where(static p => p.Stat.Length > 1)
            .ToLookup(static p => int.Parse(p.Stat[1], CultureInfo.InvariantCulture), static p => p.Pid);
        var found = new List<int>();
        var open = new Queue<int>([root]);
        while (open.TryDequeue(out var pid))
        {
            foreach (var child in children[pid])
            {
                found.Add(child);
                open.Enqueue(child);
            }
        }

        return found;
    }

    private static string Program(int pid) => Read($"/proc/{pid}/comm").TrimEnd('\n');

    private static string PidNamespace(int pid) => Link($"/proc/{pid}/ns/pid");

    private static int? Parent(int pid) => Stat(pid) is { Length: > 1 } fields ? int.Parse(fields[1], CultureInfo.InvariantCulture) : null;

    private static string CommandLine(int pid) => Read($"/proc/{pid}/cmdline").TrimEnd('\0').Replace('\0', ' ');

    private static IEnumerable<int> Pids() => Directory.EnumerateDirectories("/proc")
        .Select(static d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0)
        .Where(static pid => pid > 0);

    private static IEnumerable<string> NamespacesOf(int pid) =>
        new[] { "pid", "mnt", "net", "ipc", "uts" }.Select(n => Link($"/proc/{pid}/ns/{n}")).Where(static n => n.Length > 0);

    private static string Identity(int pid) => $"{pid} {(Stat(pid) is { Length: > 19 } fields && fields[0] is not ("Z" or "X") ? fields[19] : "gone")}";

    /// <summary>The fields of proc(5)'s stat from the state on.</summary>
    private static string[] Stat(int pid)
    {
        var text = Read($"/proc/{pid}/stat");
        return text.LastIndexOf(')') is > 0 and var end ? text[(end + 2)..].Split(' ') : [];
    }

    /// <summary>In KiB.</summary>
    private static long MemoryOf(int pid) =>
        Read($"/proc/{pid}/status").Split('\n').Where(static l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Select(static l => long.Parse(l.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture)).FirstOrDefault();

    private static int Lines(string file) => Read(file).Count(static c => c == '\n');

    private static string Link(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget ?? "";
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}

/// <summary>What a cluster takes of this machine at rest.</summary>
/// <param name="Processes">Below the cluster's own.</param>
/// <param name="Descriptors">Open files of the cluster's process.</param>
/// <param name="Mounts">In all mount namespaces of its processes.</param>
/// <param name="Links">Network interfaces in all their network namespaces.</param>
/// <param name="MemoryKiB">Resident memory of the cluster's process.</param>
internal sealed record Footprint(int Processes, int Descriptors, int Mounts, int Links, int Threads, long MemoryKiB)
{
    public override string ToString() => $"{Processes} processes, {Descriptors} descriptors, {Mounts} mounts, {Links} links, {Threads} threads, {MemoryKiB / 1024.0:0.0} MiB";
}
