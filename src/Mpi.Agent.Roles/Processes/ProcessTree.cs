using System.Globalization;

namespace Mpi.Agent.Roles;

/// <summary>
/// Ends a program and everything that it started: what is in its session (a rank has a process group of its own, but not a
/// session) or descends from it (a daemon has left the session).
/// </summary>
internal static class ProcessTree
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    /// <summary>How long killed processes are waited for: one that hangs in the kernel stays behind.</summary>
    private static readonly TimeSpan AfterKill = TimeSpan.FromSeconds(5);

    /// <summary>SIGTERM to all, and SIGKILL to those that are left after a grace. Ends when none is left.</summary>
    /// <param name="root">The program's id; or this process's own, which is spared itself.</param>
    public static async Task EndAsync(int root, TimeProvider time)
    {
        var start = time.GetTimestamp();
        var asked = new HashSet<int>();
        while (true)
        {
            var members = Members(root);
            var waited = time.GetElapsedTime(start);
            if (members.Count == 0 || waited > Grace + AfterKill) return;
            foreach (var pid in members)
            {
                if (waited >= Grace) LibC.Kill(pid, LibC.SigKill);
                // Once each: a second SIGTERM makes some programs give up their clean-up.
                else if (asked.Add(pid)) LibC.Kill(pid, LibC.SigTerm);
            }

            await Task.Delay(BetweenLooks, time);
        }
    }

    /// <summary>Passes a signal on to a program's session, as a terminal would.</summary>
    public static void Signal(int root, int signal)
    {
        // The group first, in one call; ranks have groups of their own and hear of it from their parent.
        if (!LibC.Kill(-root, signal)) LibC.Kill(root, signal);
    }

    private static List<int> Members(int root)
    {
        var processes = new List<(int Pid, int Parent, int Session)>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && Read(pid) is { } process) processes.Add(process);
        }

        var members = new HashSet<int> { root };
        members.UnionWith(processes.Where(p => p.Session == root && root != Environment.ProcessId).Select(static p => p.Pid));
        // Parents may stand behind their children in the list: look until nothing is new.
        int before;
        do
        {
            before = members.Count;
            members.UnionWith(processes.Where(p => members.Contains(p.Parent)).Select(static p => p.Pid).ToArray());
        }
        while (members.Count > before);

        return [.. processes.Select(static p => p.Pid).Where(pid => pid != Environment.ProcessId && members.Contains(pid))];
    }

    /// <summary>Null for one that is gone, or has ended and only waits to be reaped.</summary>
    private static (int Pid, int Parent, int Session)? Read(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
        }
        catch (IOException)
        {
            return null;
        }

        // "12 (name with ) and blanks) S parent group session ...": the name ends at the last parenthesis.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields is [not "Z" and not "X", var parent, _, var session, ..]
            ? (pid, int.Parse(parent, CultureInfo.InvariantCulture), int.Parse(session, CultureInfo.InvariantCulture))
            : null;
    }
}
