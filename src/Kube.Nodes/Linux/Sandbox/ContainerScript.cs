using System.Globalization;
using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>
/// The shell scripts that become a container. The first is PID 1 of the container's PID namespace: it builds the
/// mount view, starts the command as its child, reaps what is left over by others, and ends with the command's exit code, upon
/// which the kernel kills whatever else still runs in there. It is the child that says that it has started: nothing that is told so
/// finds PID 1 without it, and others' orphans in its place.
/// </summary>
internal static class ContainerScript
{
    /// <summary>Lines of the script to us begin with this; they stand in the output before the command's own.</summary>
    public const char Mark = '\u001e';

    /// <param name="folder">The container's folder inside the sandbox: it holds <c>root</c> and <c>mounts</c>.</param>
    public static string Start(ContainerSpec spec, SandboxMode mode, string folder) => $$"""
        exec 3>&2 2>&1 4>&1
        set -e
        read -r hostpid rest </machine/proc/self/stat
        printf '\036init %s\n' "$hostpid"
        {{spec.Group?.JoinScript("/machine")}}
        cd {{folder}}
        {{Owners(spec, mode)}}
        mount --bind root root
        mount -a -T mounts
        mount -t sysfs -o ro,nosuid,nodev,noexec sysfs root/sys 2>/dev/null || mount -o bind,ro /machine/sys root/sys
        {{(spec.ReadOnlyRoot ? "mount -o remount,bind,ro root" : "")}}
        cd root
        pivot_root . .
        umount -l .
        cd /
        umask 022
        {{Enter(spec)}}
        {{(spec.Terminal ? $"printf '\\036terminal\\n'\nread -r terminal" : "")}}
        {{Own(spec, mode, "$terminal")}}
        set +e
        exec 2>/dev/null
        ( printf '\036started\n' >&4; exec {{(spec.Terminal ? "setsid --ctty " : "")}}{{Launch(spec, mode, spec.Command)}} 4>&- ) {{Streams(spec)}} 3>&-
        exit $?
        """;

    /// <summary>Where the command's streams lead: to the terminal, or to the pipes that this script was given.</summary>
    private static string Streams(ContainerSpec spec) =>
        spec.Terminal ? "0<>/dev/pts/$terminal 1>&0 2>&0" : spec.Input ? "2>&3" : "2>&3 </dev/null";

    /// <summary>
    /// Runs a further command in a container that runs; entered by <c>nsenter</c>. Its first line, on a pipe, says whether the command can be
    /// run; only then does a terminal take the place of the pipes.
    /// </summary>
    /// <param name="terminal">The number of the terminal that the command gets; null for pipes.</param>
    public static string Exec(ContainerSpec spec, SandboxMode mode, IReadOnlyList<string> command, int? terminal)
    {
        var number = terminal?.ToString(CultureInfo.InvariantCulture);
        spec = spec with { Command = [.. command], Terminal = number is not null };
        return $$"""
            {{Enter(spec)}}
            printf '\036started\n'
            {{Own(spec, mode, number)}}
            exec {{(number is null ? "" : $"0<>/dev/pts/{number} 1>&0 2>&0 setsid --ctty ")}}{{Launch(spec, mode, command)}}
            """;
    }

    /// <summary>Gives a terminal to the container's user, as a login does.</summary>
    private static string Own(ContainerSpec spec, SandboxMode mode, string? number)
    {
        // Where the user exists in no namespace but its own, the terminal is its already.
        if (!spec.Terminal || mode == SandboxMode.SingleId || NestedUserNamespace(spec.User, mode)) return "";
        return string.Create(CultureInfo.InvariantCulture, $"chown {spec.User.Uid} /dev/pts/{number}");
    }

    /// <summary>
    /// Goes to the working directory and refuses a command that does not exist, in the words of the container runtime
    /// (<c>exec: "x": executable file not found in $PATH</c>), which people search for.
    /// </summary>
    private static string Enter(ContainerSpec spec)
    {
        var program = ShellWord.Quote(spec.Command[0]);
        var say = ShellWord.Quote($"exec: \"{spec.Command[0]}\": ");
        var folder = ShellWord.Quote(spec.WorkingDirectory);
        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $$"""
            refuse() { printf '\036refused %s\n' "$1"; exit 127; }
            mkdir -p {{folder}} 2>/dev/null || :
            cd {{folder}} 2>/dev/null || refuse {{ShellWord.Quote($"mkdir {spec.WorkingDirectory}: the working directory does not exist and cannot be made")}}

            """);
        if (spec.Command[0].Contains('/', StringComparison.Ordinal))
        {
            script.Append(CultureInfo.InvariantCulture, $$"""
                [ -e {{program}} ] || refuse {{say}}{{ShellWord.Quote($"stat {spec.Command[0]}: no such file or directory")}}
                [ ! -d {{program}} ] || refuse {{say}}'is a directory'
                [ -x {{program}} ] || refuse {{say}}'permission denied'
                """);
        }
        else
        {
            script.Append(CultureInfo.InvariantCulture, $$"""
                found=
                set -f; IFS=:
                for place in {{string.Join(' ', spec.SearchPath.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(ShellWord.Quote))}}; do
                  if [ -f "$place"/{{program}} ] && [ -x "$place"/{{program}} ]; then found=1; break; fi
                done
                [ -n "$found" ] || refuse {{say}}'executable file not found in $PATH'
                """);
        }

        return script.ToString();
    }

    /// <summary>
    /// Becomes the container's user with the container's environment, and then its command. The environment is set last and by a
    /// program, so that no variable of it (PATH, LD_PRELOAD) reaches our tools, and names that are no shell identifiers work.
    /// </summary>
    private static string Launch(ContainerSpec spec, SandboxMode mode, IReadOnlyList<string> command)
    {
        var words = new List<string>();
        var nested = NestedUserNamespace(spec.User, mode);
        var privileges = new List<string>();
        if (!nested && mode != SandboxMode.SingleId)
        {
            privileges.AddRange([$"--reuid={spec.User.Uid}", $"--regid={spec.User.Gid}", spec.User.Groups.IsEmpty ? "--clear-groups" : $"--groups={string.Join(',', spec.User.Groups)}"]);
        }

        if (spec.Capabilities is { } capabilities) privileges.Add($"--bounding-set=-all{string.Concat(capabilities.Select(static c => $",+{c}"))}");
        if (spec.NoNewPrivileges) privileges.Add("--no-new-privs");
        if (nested)
        {
            // The nested namespace gives a full set of capabilities over nothing but itself, and the program's start drops them.
            privileges.RemoveAll(static p => p.StartsWith("--bounding-set", StringComparison.Ordinal));
            if (privileges.Count > 0) words.AddRange(["setpriv", .. privileges, "--"]);
            words.AddRange(["unshare", "--user", $"--map-user={spec.User.Uid}", $"--map-group={spec.User.Gid}", "--"]);
        }
        else if (privileges.Count > 0)
        {
            words.AddRange(["setpriv", .. privileges, "--"]);
        }

        // .NET ignores SIGPIPE and whoever started us in the background ignored SIGINT; ignored signals are inherited, and a shell cannot undo it.
        words.AddRange(["/usr/bin/env", "--default-signal", "-i"]);
        // As container runtimes do: a program on a terminal that nobody named should not take it for a dumb one.
        if (spec.Terminal && !spec.Environment.Any(static e => e.Key == "TERM")) words.Add("TERM=xterm");
        foreach (var (name, value) in spec.Environment) words.Add($"{name}={value}");
        // A program whose name holds '=' would read as one more variable; its path or a shell in between must serve.
        words.AddRange(command[0].Contains('=', StringComparison.Ordinal) ? ["/bin/sh", "-c", "exec \"$0\" \"$@\"", .. command] : command);
        return ShellWord.Join(words);
    }

    /// <summary>Whether the user exists only in a user namespace of the container's own.</summary>
    public static bool NestedUserNamespace(ContainerUser user, SandboxMode mode) => mode switch
    {
        SandboxMode.Root => false,
        SandboxMode.SubordinateIds => user.Uid >= SubordinateIds.Count || user.Gid >= SubordinateIds.Count,
        _ => user.Uid != 0,
    };

    private static string Owners(ContainerSpec spec, SandboxMode mode)
    {
        if (mode == SandboxMode.SingleId) return "";
        var script = new StringBuilder();
        foreach (var owner in spec.Owners)
        {
            if (mode == SandboxMode.SubordinateIds && (owner.Uid >= SubordinateIds.Count || owner.Gid >= SubordinateIds.Count)) continue;
            script.Append(CultureInfo.InvariantCulture, $"chown -h{(owner.Recursive ? "R" : "")} {owner.Uid}:{owner.Gid} root{ShellWord.Quote(owner.Path)}\n");
        }

        return script.ToString();
    }
}
