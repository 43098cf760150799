using System.Collections.Immutable;
using System.Globalization;

namespace Kube.Nodes.Linux;

/// <summary>
/// The control groups of this node's containers: a folder a pod, and in it one a run. They lie in one folder named for this process by PID
/// and start time, so that what a killed node has left can be told from what a living one uses, and is removed by the next. Thread-safe.
/// </summary>
internal sealed class ControlGroups
{
    private const string Prefix = "kube-node-";

    /// <summary>The kernel ends processes in a moment; only one that it cannot end (in a hung file system) outlasts this.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly ControlGroupTree _tree;
    private readonly string _name;
    private readonly Lock _gate = new();

    /// <summary>Groups that are done with and still had a process when they were to go.</summary>
    private readonly List<string> _late = [];

    public ControlGroups(ControlGroupTree tree)
    {
        _tree = tree;
        _name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{ProcessTree.Stat(Environment.ProcessId)?.StartTicks ?? 0}");
        Discard(Parents.SelectMany(Abandoned));
    }

    /// <summary>Why no container is held to its limits; empty when all are.</summary>
    public string Obstacle => _tree.Obstacle;

    /// <summary>Whether a pod can be held to a number of processes.</summary>
    public bool CountsPids => _tree.Folders.ContainsKey("pids");

    private IEnumerable<string> Parents => _tree.Folders.Values.Distinct(StringComparer.Ordinal);

    public static ControlGroups OfThisMachine() => new(ControlGroupTree.Find(
        ProcessTree.Read("/proc/self/cgroup") ?? "", ProcessTree.Read("/proc/self/mountinfo") ?? "", ProcessTree.Read, MayMakeIn));

    /// <summary>Makes the group of one run, in that of its pod; null where there can be none, or nothing is asked for.</summary>
    /// <param name="pod">The pod's UID.</param>
    /// <param name="run">The run's name, unique on this node.</param>
    /// <param name="shared">What the pod's containers may use together.</param>
    /// <exception cref="IOException">The kernel refuses a value.</exception>
    public ContainerGroup? Create(string pod, string run, ResourceLimits shared, ResourceLimits own)
    {
        if (_tree.Version == 0 || (shared.IsEmpty && own.IsEmpty)) return null;
        var podGroup = $"{_name}/{SandboxFiles.SafeName(pod)}";
        var files = FilesIn(podGroup, shared).Concat(FilesIn($"{podGroup}/{run}", own)).ToList();
        // In version 1 a group only where a controller is needed.
        var folders = files.Select(static f => f.Parent).Distinct(StringComparer.Ordinal).ToImmutableArray();
        foreach (var parent in folders)
        {
            MakeInner($"{parent}/{_name}");
            MakeInner($"{parent}/{podGroup}");
            Directory.CreateDirectory($"{parent}/{podGroup}/{run}");
        }

        foreach (var (_, path, value) in files)
        {
            // What the kernel was built without (swap accounting) is not asked of it.
            if (File.Exists(path)) File.WriteAllText(path, value);
        }

        return new ContainerGroup(_tree.Version, [.. folders.Select(f => $"{f}/{podGroup}/{run}")]);
    }

    /// <summary>Removes a group whose processes have ended, or are about to have.</summary>
    public void Discard(ContainerGroup group) => Discard(group.Folders);

    /// <summary>Removes a pod's group; its containers have ended.</summary>
    /// <param name="pod">The pod's UID.</param>
    public void DiscardPod(string pod) => Discard(Parents.Select(parent => $"{parent}/{_name}/{SandboxFiles.SafeName(pod)}"));

    /// <summary>Removes what could not be removed at its time.</summary>
    public void RemoveLate()
    {
        lock (_gate) _late.RemoveAll(Remove);
    }

    /// <summary>Removes this node's groups; its processes have ended.</summary>
    public async Task RemoveAllAsync(TimeProvider time)
    {
        var begun = time.GetTimestamp();
        Discard(Parents.Select(parent => $"{parent}/{_name}"));
        while (true)
        {
            RemoveLate();
            lock (_gate)
            {
                if (_late.Count == 0 || time.GetElapsedTime(begun) > EndLimit) return;
            }

            await Task.Delay(Look, time);
        }
    }

    private sealed record GroupFile(string Parent, string Path, string Value);

    private IEnumerable<GroupFile> FilesIn(string group, ResourceLimits limits) => _tree.Version == 1
        ? limits.Version1().Where(f => _tree.Folders.ContainsKey(f.Controller)).Select(f => new GroupFile(_tree.Folders[f.Controller], $"{_tree.Folders[f.Controller]}/{group}/{f.File}", f.Value))
        : limits.Version2().Select(f => new GroupFile(Parents.Single(), $"{Parents.Single()}/{group}/{f.File}", f.Value));

    /// <summary>A group of groups. In version 2 it offers them only what it was told to, and then holds no process itself.</summary>
    private void MakeInner(string folder)
    {
        if (Directory.Exists(folder)) return;
        Directory.CreateDirectory(folder);
        if (_tree.Version == 2) File.WriteAllText($"{folder}/cgroup.subtree_control", string.Join(' ', _tree.Folders.Keys.Order(StringComparer.Ordinal).Select(static c => $"+{c}")));
    }

    private static IEnumerable<string> Abandoned(string parent)
    {
        if (!Directory.Exists(parent)) return [];
        return Directory.GetDirectories(parent, Prefix + "*").Where(static folder =>
        {
            var parts = Path.GetFileName(folder)[Prefix.Length..].Split('-');
            var alive = parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && ProcessTree.Stat(pid) is { } stat && stat.StartTicks.ToString(CultureInfo.InvariantCulture) == parts[1];
            return !alive;
        });
    }

    private void Discard(IEnumerable<string> folders)
    {
        lock (_gate)
        {
            _late.RemoveAll(Remove);
            _late.AddRange(folders.Where(static f => !Remove(f)));
        }
    }

    /// <summary>The files of a group are the kernel's: only folders are removed, the inner ones first. False while a process is in there.</summary>
    private static bool Remove(string folder)
    {
        if (!Directory.Exists(folder)) return true;
        foreach (var child in Directory.GetDirectories(folder)) Remove(child);
        if (LibC.RemoveFolder(folder)) return true;
        // Whatever is still in there has no business any more (version 2, Linux 5.14).
        if (File.Exists($"{folder}/cgroup.kill")) File.WriteAllText($"{folder}/cgroup.kill", "1");
        return false;
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
    /// <summary>Shell lines by which a shell enters the group, and with it everything that it starts.</summary>
    /// <param name="machine">Where the shell finds the machine's own tree.</param>
    public string JoinScript(string machine) => string.Concat(Folders.Select(f => $"echo 0 >{ShellWord.Quote($"{machine}{f}/cgroup.procs")}\n"));

    /// <summary>Whether the kernel has killed a process of the group because its memory was used up.</summary>
    public bool RanOutOfMemory => Folders
        .Select(f => ProcessTree.Read($"{f}/{(Version == 1 ? "memory.oom_control" : "memory.events")}"))
        .Any(static text => text is not null && text.Split('\n').Any(static l => l.StartsWith("oom_kill ", StringComparison.Ordinal) && l != "oom_kill 0"));

    /// <summary>Whether the kernel then ended the whole container, its PID 1 included (<c>memory.oom.group</c> of version 2).</summary>
    public bool EndedAsOne => RanOutOfMemory && Folders.Any(static f => ProcessTree.Read($"{f}/memory.oom.group")?.Trim() == "1");
}
