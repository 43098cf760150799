using System.Globalization;

namespace Kube.Nodes.Linux;

/// <summary>What /proc says about processes. A process that ends while it is looked at reads as absent.</summary>
internal static class ProcessTree
{
    /// <summary>The children of a process, oldest first.</summary>
    public static List<int> Children(int pid)
    {
        var children = new List<(int Pid, ulong Start)>();
        foreach (var candidate in All())
        {
            if (Stat(candidate) is { } stat && stat.Parent == pid) children.Add((candidate, stat.StartTicks));
        }

        return [.. children.OrderBy(static c => c.Start).ThenBy(static c => c.Pid).Select(static c => c.Pid)];
    }

    /// <summary>Kills a process and everything below it, deepest first, so that nothing is handed to another parent unseen.</summary>
    public static void Kill(int pid)
    {
        // Held first: it is to start nothing more while its children are looked for.
        LibC.Kill(pid, LibC.SigStop);
        foreach (var child in Children(pid)) Kill(child);
        LibC.Kill(pid, LibC.SigKill);
    }

    /// <summary>Signals everything below a process and spares the process itself.</summary>
    public static void SignalBelow(int pid, int signal)
    {
        foreach (var child in Children(pid))
        {
            LibC.Kill(child, signal);
            SignalBelow(child, signal);
        }
    }

    public static IEnumerable<int> All()
    {
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(entry.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) yield return pid;
        }
    }

    /// <summary>Parent and start time of a process. A process is its PID together with its start time, since PIDs are used again.</summary>
    public static ProcessStat? Stat(int pid)
    {
        // 4711 (a name (with) anything) S 1 ... : the fields begin after the last parenthesis.
        if (Read($"/proc/{pid}/stat") is not { Length: > 0 } text || text.LastIndexOf(')') is not (> 0 and var end) || end + 2 > text.Length) return null;
        var fields = text[(end + 2)..].Split(' ');
        if (fields.Length < 20) return null;
        return new ProcessStat(int.Parse(fields[1], CultureInfo.InvariantCulture), ulong.Parse(fields[19], CultureInfo.InvariantCulture), fields[0][0]);
    }

    /// <summary>A file below /proc, or null when the process is gone or not ours.</summary>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The PID namespace of a process, such as <c>pid:[4026531836]</c>.</summary>
    public static string? PidNamespace(int pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/ns/pid").LinkTarget;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <param name="Parent">The parent's PID.</param>
/// <param name="StartTicks">Start time in clock ticks after boot.</param>
/// <param name="State"><c>R</c>, <c>S</c>, <c>Z</c> and so on.</param>
internal readonly record struct ProcessStat(int Parent, ulong StartTicks, char State);
