using System.Collections.Immutable;
using System.Globalization;

namespace Kube.Nodes.Linux;

/// <summary>
/// The control groups of this node's containers. They lie in one folder named for this process by PID and start time, so that what a
/// killed node has left can be told from what a living one uses, and is removed by the next.
/// </summary>
internal sealed class ControlGroups
{
    private const string Prefix = "kube-node-";

    private readonly ControlGroupTree _tree;
    private readonly string _name;

    public ControlGroups(ControlGroupTree tree)
    {
        _tree = tree;
        _name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{ProcessTree.Stat(Environment.ProcessId)?.StartTicks ?? 0}");
        foreach (var parent in Parents) RemoveAbandoned(parent);
    }

    /// <summary>Why no container is held to its limits; empty when all are.</summary>
    public string Obstacle => _tree.Obstacle;

    private IEnumerable<string> Parents => _tree.Folders.Values.Distinct(StringComparer.Ordinal);

    public static ControlGroups OfThisMachine() => new(ControlGroupTree.Find(
        ProcessTree.Read("/proc/self/cgroup") ?? "", ProcessTree.Read("/proc/self/mountinfo") ?? "", ProcessTree.Read, MayMakeIn));

    /// <summary>Makes the group of one run; null where there can be none, or nothing is asked for.</summary>
    /// <param name="run">The run's name, unique on this node.</param>
    /// <exception cref="IOException">The kernel refuses a value.</exception>
    public ContainerGroup? Create(string run, ResourceLimits limits)
    {
        if (_tree.Version == 0 || limits.IsEmpty) return null;
        var files = _tree.Version == 1
            ? limits.Version1().Where(f => _tree.Folders.ContainsKey(f.Controller)).Select(f => (Folder: $"{_tree.Folders[f.Controller]}/{_name}/{run}", f.File, f.Value)).ToList()
            : [.. limits.Version2().Select(f => (Folder: $"{Parents.Single()}/{_name}/{run}", f.File, f.Value))];
        foreach (var folder in files.Select(static f => f.Folder).Distinct(StringComparer.Ordinal))
        {
            if (_tree.Version == 2) MakeParent(Path.GetDirectoryName(folder)!);
            Directory.CreateDirectory(folder);
        }

        foreach (var (folder, file, value) in files)
        {
            // What the kernel was built without (swap accounting) is not asked of it.
            if (File.Exists($"{folder}/{file}")) File.WriteAllText($"{folder}/{file}", value);
        }

        return new ContainerGroup(_tree.Version, [.. files.Select(static f => f.Folder).Distinct(StringComparer.Ordinal)]);
    }

    /// <summary>Removes this node's groups; its processes have ended.</summary>
    public void RemoveAll()
    {
        foreach (var parent in Parents) Remove($"{parent}/{_name}");
    }

    /// <summary>In version 2 a group offers its children only what it was told to.</summary>
    private static void MakeParent(string folder)
    {
        if (Directory.Exists(folder)) return;
        Directory.CreateDirectory(folder);
        File.WriteAllText($"{folder}/cgroup.subtree_control", "+memory +cpu");
    }

    private static void RemoveAbandoned(string parent)
    {
        if (!Directory.Exists(parent)) return;
        foreach (var folder in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            var parts = Path.GetFileName(folder)[Prefix.Length..].Split('-');
            var alive = parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && ProcessTree.Stat(pid) is { } stat && stat.StartTicks.ToString(CultureInfo.InvariantCulture) == parts[1];
            if (!alive) Remove(folder);
        }
    }

    /// <summary>The files of a group are the kernel's: only folders are removed, the inner ones first. One with processes stays.</summary>
    internal static bool Remove(string folder)
    {
        if (!Directory.Exists(folder)) return true;
        foreach (var child in Directory.GetDirectories(folder)) Remove(child);
        return LibC.RemoveFolder(folder);
    }

    private static bool MayMakeIn(string folder)
    {
        var probe = string.Create(CultureInfo.InvariantCulture, $"{folder}/{Prefix}probe-{Environment.ProcessId}");
        try
        {
            Directory.CreateDirectory(probe);
            return LibC.RemoveFolder(probe);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

/// <summary>The control group of one run of a container: in version 1 a folder a controller.</summary>
internal sealed record ContainerGroup(int Version, ImmutableArray<string> Folders)
{
    /// <summary>Shell lines by which a shell inside the cluster's sandbox enters the group, and with it everything that it starts.</summary>
    public string JoinScript => string.Concat(Folders.Select(static f => $"echo 0 >{ShellWord.Quote($"/machine{f}/cgroup.procs")}\n"));

    /// <summary>Whether the kernel has killed a process of the group because its memory was used up.</summary>
    public bool RanOutOfMemory => Folders
        .Select(f => ProcessTree.Read($"{f}/{(Version == 1 ? "memory.oom_control" : "memory.events")}"))
        .Any(static text => text is not null && text.Split('\n').Any(static l => l.StartsWith("oom_kill ", StringComparison.Ordinal) && l != "oom_kill 0"));

    /// <summary>False while a process is still on its way out.</summary>
    public bool Remove() => Folders.Select(ControlGroups.Remove).ToList().TrueForAll(static r => r);
}
