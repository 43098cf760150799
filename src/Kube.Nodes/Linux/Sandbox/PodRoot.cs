using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>
/// Builds the root folder of one container in the sandbox's memory: the machine's programs shown read-only, everything
/// else the container's own. There is no overlay file system behind it (that needs root), so a folder of the machine is either shown
/// whole by a bind mount, or made the container's own: then its entries are shown one by one, and others can stand beside them.
/// </summary>
internal sealed class PodRoot
{
    /// <summary>Where the machine's folders stand to which links lead; not meant to be looked at.</summary>
    private const string Behind = "/.node";

    /// <summary>A folder with more subfolders than this shows them by links and not by mounts.</summary>
    private const int MountsAtMost = 40;

    /// <summary>In an image these are the image's own or made by the container runtime; the machine's say nothing true, or are nobody's business.</summary>
    private static readonly HashSet<string> NotShownOfEtc = new(StringComparer.Ordinal)
    {
        "passwd", "passwd-", "group", "group-", "shadow", "shadow-", "gshadow", "gshadow-", "subuid", "subuid-", "subgid", "subgid-",
        "hosts", "hostname", "resolv.conf", "nsswitch.conf", "ssh", "sudoers", "sudoers.d", "machine-id", "krb5.keytab", "security", "NetworkManager", "fstab", "crypttab", ".pwd.lock",
    };

    private static readonly string[] Devices = [.. new[] { "null", "zero", "full", "random", "urandom", "tty" }.Where(static d => File.Exists($"/dev/{d}"))];

    private readonly SortedDictionary<string, string> _shown = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _behind = new(StringComparer.Ordinal);

    /// <summary>Folders that show the machine's by links: the container's path to the machine's.</summary>
    private readonly Dictionary<string, string> _linked = new(StringComparer.Ordinal);

    private readonly List<(string Path, ContainerMount Mount)> _mounts = [];
    private readonly string _files;
    private readonly IReadOnlyList<string> _machineMounts;

    /// <param name="files">The root folder as this process names it; it exists and is empty.</param>
    /// <param name="systemFolders">The machine's folders that are shown, such as <c>/usr</c> and <c>/lib</c>.</param>
    /// <param name="machineMounts">The machine's mount points.</param>
    public PodRoot(string files, IEnumerable<string> systemFolders, IReadOnlyList<string> machineMounts)
    {
        _files = files;
        _machineMounts = machineMounts;
        SandboxFiles.MakeFolder(At(Behind));
        foreach (var folder in systemFolders) ShowSystemFolder(folder);
        foreach (var folder in (ReadOnlySpan<string>)["/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/run", "/run/lock", "/home", "/mnt", "/srv", "/var", "/var/lib", "/var/log", "/var/cache", "/var/spool"])
        {
            if (!Exists(folder)) SandboxFiles.MakeFolder(At(folder));
        }

        SandboxFiles.MakeFolder(At("/root"), (UnixFileMode)0b111_000_000);
        SandboxFiles.MakeFolder(At("/tmp"), SandboxFiles.StickyFolder);
        SandboxFiles.MakeFolder(At("/var/tmp"), SandboxFiles.StickyFolder);
        Link("/var/run", "/run");
        Link("/var/lock", "/run/lock");
        Link("/dev/fd", "/proc/self/fd");
        Link("/dev/stdin", "/proc/self/fd/0");
        Link("/dev/stdout", "/proc/self/fd/1");
        Link("/dev/stderr", "/proc/self/fd/2");
        Link("/dev/ptmx", "pts/ptmx");
        foreach (var device in Devices) SandboxFiles.Write(At($"/dev/{device}"), "");
        ShowEtc();
    }

    /// <summary>
    /// Makes the folder the container's own, with those above it, and returns its path with links followed: <c>/usr/local/bin</c>
    /// then still shows the machine's programs, but another can be put beside them.
    /// </summary>
    public string Own(string folder)
    {
        var path = "";
        foreach (var part in folder.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".") continue;
            if (part == "..")
            {
                path = Parent(path);
                continue;
            }

            path = Step(path, part, 0);
        }

        return path.Length == 0 ? "/" : path;
    }

    /// <summary>Makes room for an entry: its folder is the container's own, and nothing is there. Returns the path for this process.</summary>
    public string Clear(string path)
    {
        var place = Combine(Own(Parent(path)), Path.GetFileName(path));
        _shown.Remove(place);
        _linked.Remove(place);
        var at = At(place);
        if (MachinePath.LinkTarget(at) is not null || File.Exists(at)) File.Delete(at);
        else if (Directory.Exists(at)) Directory.Delete(at, recursive: true);
        return at;
    }

    public void Write(string path, string content, UnixFileMode mode = SandboxFiles.PlainFile) => SandboxFiles.Write(Clear(path), content, mode);

    public void Link(string path, string target) => File.CreateSymbolicLink(Clear(path), target);

    /// <summary>The path with links to its folder followed, if the container's own files have it.</summary>
    public string? Existing(string path)
    {
        var place = Combine(Own(Parent(path)), Path.GetFileName(path));
        return !_shown.ContainsKey(place) && !_linked.ContainsKey(place) && (Path.Exists(At(place)) || MachinePath.LinkTarget(At(place)) is not null) ? place : null;
    }

    public void SetMode(string path, UnixFileMode mode) => File.SetUnixFileMode(At(path), mode);

    /// <summary>Lays a folder of the machine over the root: its files, folders and links, with their modes.</summary>
    public void Lay(string sourceFolder, string target = "/")
    {
        foreach (var entry in new DirectoryInfo(sourceFolder).EnumerateFileSystemInfos())
        {
            var path = Combine(target == "/" ? "" : target, entry.Name);
            if (entry.LinkTarget is { } link)
            {
                Link(path, link);
            }
            else if (entry is DirectoryInfo)
            {
                Own(path);
                Lay(entry.FullName, path);
            }
            else
            {
                // Copied in full, since the container may write to it.
                File.Copy(entry.FullName, Clear(path));
            }
        }
    }

    /// <summary>Makes the mount point. Later mounts may lie within earlier ones, as in Kubernetes, where shorter paths are mounted first.</summary>
    public void Mount(ContainerMount mount) => _mounts.Add((Path.GetFullPath(mount.Target), mount));

    /// <summary>The mount table, to be mounted in order; <paramref name="root"/> is the root folder as the sandbox names it.</summary>
    /// <param name="podFolder">The pod's folder inside the sandbox.</param>
    /// <param name="guarded">Whether the parts of /proc through which a process of UID 0 governs the machine are read-only.</param>
    public string MountTable(string root, string podFolder, bool guarded)
    {
        var volumes = _mounts.OrderBy(static m => m.Path.Length).Select(m => (Path: MountPoint(m.Path, m.Mount.IsFile), m.Mount)).ToList();
        var table = new StringBuilder();
        foreach (var (path, machine) in _behind) Show(machine, Behind + path);
        foreach (var (path, machine) in _shown) Show(machine, path);
        foreach (var device in Devices) Line($"/machine/dev/{device}", $"/dev/{device}", "bind");
        Line($"{podFolder}/shm", "/dev/shm", "bind");
        Line("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=620", "devpts");
        Line("proc", "/proc", "nosuid,nodev,noexec", "proc");
        if (guarded)
        {
            foreach (var part in (ReadOnlySpan<string>)["sys", "sysrq-trigger", "irq", "bus", "fs"])
            {
                if (Path.Exists($"/proc/{part}")) Line($"{root}/proc/{part}", $"/proc/{part}", "bind,ro");
            }
        }

        foreach (var (path, mount) in volumes) Line(mount.Source, path, mount.ReadOnly ? "rbind,ro" : "rbind");
        return table.ToString();

        void Show(string machine, string path)
        {
            var real = MachinePath.Real(machine);
            Line($"/machine{real}", path, "rbind,ro");
            // Read-only is a property of the one mount; what is mounted further down comes along writable and is covered again.
            foreach (var below in _machineMounts)
            {
                if (below.StartsWith(real + "/", StringComparison.Ordinal)) Line($"/machine{below}", path + below[real.Length..], "bind,ro");
            }
        }

        void Line(string source, string path, string options, string type = "none") =>
            table.Append(Escape(source)).Append(' ').Append(Escape(root + path)).Append(' ').Append(type).Append(' ').Append(options).Append(" 0 0\n");
    }

    private string MountPoint(string path, bool isFile)
    {
        // Below another volume there is nothing of ours to make; mount(8) needs the place to exist there.
        if (_mounts.Any(m => path.Length > m.Path.Length && path.StartsWith(m.Path + "/", StringComparison.Ordinal)))
        {
            var outer = _mounts.Where(m => path.StartsWith(m.Path + "/", StringComparison.Ordinal)).MaxBy(static m => m.Path.Length);
            outer.Mount.MakeWithin?.Invoke(path[outer.Path.Length..], isFile);
            return path;
        }

        var place = Combine(Own(Parent(path)), Path.GetFileName(path));
        if (isFile)
        {
            SandboxFiles.Write(Clear(place), "");
            return place;
        }

        // A mount hides what the image had there; links to folders (/var/run) are followed, as mount(8) would.
        _shown.Remove(place);
        if (_linked.Remove(place)) File.Delete(At(place));
        if (MachinePath.LinkTarget(At(place)) is not null) return Own(place);
        if (!Directory.Exists(At(place))) SandboxFiles.MakeFolder(Clear(place));
        return place;
    }

    private void ShowSystemFolder(string folder)
    {
        if (MachinePath.LinkTarget(folder) is { } target && !target.StartsWith('/')) File.CreateSymbolicLink(At(folder), target); // /bin -> usr/bin
        else if (Directory.Exists(folder)) Show(folder, folder);
    }

    private void Show(string path, string machine)
    {
        _shown[path] = machine;
        Directory.CreateDirectory(At(path));
    }

    private void ShowEtc()
    {
        SandboxFiles.MakeFolder(At("/etc"));
        ShowEntries("/etc", "/etc", byLinks: true, NotShownOfEtc);
        SandboxFiles.MakeFolder(At("/etc/ssh"));
        if (File.Exists("/etc/ssh/moduli")) File.CreateSymbolicLink(At("/etc/ssh/moduli"), Behind + "/etc/ssh/moduli");
    }

    /// <summary>One step down: makes the folder the container's own, or follows a link.</summary>
    private string Step(string parent, string part, int depth)
    {
        var path = Combine(parent, part);
        if (_shown.Remove(path, out var machine))
        {
            ShowEntries(path, machine, byLinks: false, except: null);
            return path;
        }

        if (_linked.Remove(path, out machine))
        {
            File.Delete(At(path));
            SandboxFiles.MakeFolder(At(path));
            ShowEntries(path, machine, byLinks: true, except: null);
            return path;
        }

        if (MachinePath.LinkTarget(At(path)) is { } target)
        {
            if (depth > 20) throw new SandboxException($"too many links on the way to {path}");
            var from = target.StartsWith('/') ? "" : parent;
            foreach (var step in target.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                from = step switch { "." => from, ".." => Parent(from), _ => Step(from, step, depth + 1) };
            }

            return from;
        }

        if (!Directory.Exists(At(path))) SandboxFiles.MakeFolder(At(path));
        return path;
    }

    private void ShowEntries(string path, string machine, bool byLinks, HashSet<string>? except)
    {
        var entries = Entries(machine).Where(e => except is null || !except.Contains(e.Name)).ToList();
        byLinks |= entries.Count(static e => e is DirectoryInfo && e.LinkTarget is null) > MountsAtMost;
        var top = "/" + machine.Split('/', 3)[1];
        foreach (var entry in entries)
        {
            var child = Combine(path, entry.Name);
            var source = Combine(machine, entry.Name);
            if (entry.LinkTarget is { } link)
            {
                // Copied as it is: relative ones lead from the pod's folders as they did from the machine's.
                File.CreateSymbolicLink(At(child), link);
            }
            else if (entry is DirectoryInfo && !byLinks)
            {
                Show(child, source);
            }
            else
            {
                _behind[top] = top;
                if (entry is DirectoryInfo) _linked[child] = source;
                File.CreateSymbolicLink(At(child), Behind + source);
            }
        }

        if (_behind.ContainsKey(top)) SandboxFiles.MakeFolder(At(Behind + top));
    }

    private static IEnumerable<FileSystemInfo> Entries(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).GetFileSystemInfos();
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }

    private string At(string path) => _files + path;

    private bool Exists(string path) => Path.Exists(At(path));

    private static string Combine(string folder, string name) => folder is "" or "/" ? $"/{name}" : $"{folder}/{name}";

    private static string Parent(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "";

    /// <summary>The escapes of fstab(5).</summary>
    private static string Escape(string path) =>
        path.AsSpan().IndexOfAny(" \t\n\\#") < 0
            ? path
            : path.Replace("\\", "\\134", StringComparison.Ordinal).Replace(" ", "\\040", StringComparison.Ordinal).Replace("\t", "\\011", StringComparison.Ordinal).Replace("\n", "\\012", StringComparison.Ordinal).Replace("#", "\\043", StringComparison.Ordinal);
}

/// <summary>One mount of a container.</summary>
/// <param name="Source">A path inside the cluster's sandbox.</param>
/// <param name="Target">A path in the container.</param>
/// <param name="IsFile">Whether the source is no folder.</param>
/// <param name="MakeWithin">Makes a place for a further mount within this one: its path below the target and whether it is a file.</param>
internal sealed record ContainerMount(string Source, string Target, bool ReadOnly, bool IsFile, Action<string, bool>? MakeWithin = null);
