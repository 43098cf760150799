using System.Collections.Immutable;

namespace Kube.Nodes.Linux;

/// <summary>Where this process may make control groups of its own. Pure.</summary>
/// <param name="Version">1 or 2; 0 where it may not.</param>
/// <param name="Folders">By controller, the folder in which groups are made; version 2 has one for all.</param>
/// <param name="Obstacle">Why it may not, for people.</param>
internal sealed record ControlGroupTree(int Version, ImmutableDictionary<string, string> Folders, string Obstacle)
{
    private static readonly string[] Controllers = ["memory", "cpu"];

    /// <summary>What is used where it is offered.</summary>
    private static readonly string[] OptionalControllers = ["pids"];

    /// <param name="membership">/proc/self/cgroup: <c>4:memory:/path</c> of version 1, <c>0::/path</c> of version 2.</param>
    /// <param name="mounts">/proc/self/mountinfo.</param>
    /// <param name="read">A file's content, or null.</param>
    /// <param name="mayMakeIn">Whether this process may make a group in a folder.</param>
    public static ControlGroupTree Find(string membership, string mounts, Func<string, string?> read, Func<string, bool> mayMakeIn)
    {
        var own = membership.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => l.Split(':', 3)).Where(static p => p.Length == 3).ToList();
        var folders = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var controller in Controllers.Concat(OptionalControllers))
        {
            if (own.Find(p => p[1].Split(',').Contains(controller)) is { } member && Mount(mounts, "cgroup", controller) is { } mount && Below(mount, member[2]) is var folder && mayMakeIn(folder)) folders[controller] = folder;
        }

        if (Controllers.Any(folders.ContainsKey)) return new ControlGroupTree(1, folders.ToImmutable(), "");
        if (own.Find(static p => p[0] == "0") is not { } unified || Mount(mounts, "cgroup2", null) is not { } tree) return None("there are no control groups at /sys/fs/cgroup");

        // A group that holds processes cannot give controllers to groups below it, save the root: so beside our own, or below the root.
        var mine = Below(tree, unified[2]);
        foreach (var candidate in (ReadOnlySpan<string>)[mine, Path.GetDirectoryName(mine) ?? mine])
        {
            if (!candidate.StartsWith(tree.Point, StringComparison.Ordinal)) continue;
            var offered = read($"{candidate}/cgroup.subtree_control")?.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries) ?? [];
            if (Controllers.All(offered.Contains) && mayMakeIn(candidate)) return new ControlGroupTree(2, Controllers.Concat(OptionalControllers.Intersect(offered)).ToImmutableDictionary(static c => c, _ => candidate), "");
        }

        return None($"the control group {mine} gives neither itself nor its parent's controllers to this user; run as root, or in a delegated group (systemd-run --user --scope --property=Delegate=yes)");

        static ControlGroupTree None(string why) => new(0, ImmutableDictionary<string, string>.Empty, why);
    }

    private sealed record MountPoint(string Root, string Point);

    /// <summary>From <c>32 31 0:29 /root /point rw,relatime - cgroup cgroup rw,cpu</c>.</summary>
    private static MountPoint? Mount(string mounts, string type, string? controller)
    {
        foreach (var line in mounts.Split('\n'))
        {
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-");
            if (dash < 6 || fields.Length < dash + 4 || fields[dash + 1] != type) continue;
            if (controller is null || fields[dash + 3].Split(',').Contains(controller)) return new MountPoint(fields[3], fields[4]);
        }

        return null;
    }

    /// <summary>A group's folder: a mount may show only a part of the tree, as in a container.</summary>
    private static string Below(MountPoint mount, string group)
    {
        var within = mount.Root != "/" && group.StartsWith(mount.Root, StringComparison.Ordinal) ? group[mount.Root.Length..] : group;
        return (mount.Point + "/" + within.Trim('/')).TrimEnd('/');
    }
}
