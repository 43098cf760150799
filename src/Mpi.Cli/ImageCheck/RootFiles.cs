using System.Collections.Immutable;

namespace Mpi.Cli;

public enum RootFileType { File, Folder, Link, Other }

/// <param name="Path">Absolute within the root, and free of links.</param>
/// <param name="Owner">UID; null where it says nothing (a folder of this machine, unpacked by whomever).</param>
/// <param name="Target">Of a link, as it stands in it.</param>
public sealed record RootFile(string Path, RootFileType Type, UnixFileMode Mode, long? Owner, string? Target)
{
    public bool IsFile => Type == RootFileType.File;
    public bool IsFolder => Type == RootFileType.Folder;

    /// <summary>Whether a program may be started from it; root's rights are anybody's.</summary>
    public bool IsProgram => IsFile && (Mode & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != UnixFileMode.None;

    /// <summary>Whether a user has this right (given as one of others), by owner and by what all have. Groups are not looked into.</summary>
    public bool Lets(long user, UnixFileMode right) => user == 0 || Mode.HasFlag(right) || (Owner == user && ((UnixFileMode)((int)Mode >> 6)).HasFlag(right));
}

/// <summary>The file system that a container of an image starts with, to look at and not to run.</summary>
public abstract class RootFiles
{
    /// <summary>As the kernel has it (MAXSYMLINKS).</summary>
    private const int LinksMax = 40;

    /// <summary>A text file beyond this is none that we read.</summary>
    protected const int TextMax = 1 << 20;

    /// <summary>What the image says of its user; empty for nothing.</summary>
    public virtual string ImageUser => "";

    /// <summary>The PATH of its processes.</summary>
    public virtual string SearchPath => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>What a path leads to, links followed within the root; null where there is nothing.</summary>
    public RootFile? Find(string path)
    {
        var links = 0;
        var (done, steps) = ("", new Stack<string>(Steps(path).Reverse()));
        RootFile? found = Look("/");
        while (steps.TryPop(out var step))
        {
            if (step == "..")
            {
                done = done[..Math.Max(0, done.LastIndexOf('/'))];
                found = Look(done.Length == 0 ? "/" : done);
                continue;
            }

            found = Look($"{done}/{step}");
            if (found is null) return null;
            if (found is not { Type: RootFileType.Link, Target: { } target })
            {
                done = $"{done}/{step}";
                continue;
            }

            if (++links > LinksMax) return null;
            if (target.StartsWith('/')) done = "";
            foreach (var next in Steps(target).Reverse()) steps.Push(next);
        }

        return found;
    }

    /// <summary>The first program of a name in folders parted by colons.</summary>
    public RootFile? FindProgram(string name, string searchPath) =>
        searchPath.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Find($"{folder}/{name}")).FirstOrDefault(static f => f is { IsProgram: true });

    /// <summary>A text file's lines; none where there is no such file.</summary>
    public ImmutableArray<string> Lines(string path) => Find(path) is { IsFile: true } file ? [.. Text(file).Split('\n').Select(static line => line.TrimEnd('\r'))] : [];

    /// <summary>The names in a folder, in order; none where there is no such folder.</summary>
    public ImmutableArray<string> Names(string path) => Find(path) is { IsFolder: true } folder ? [.. NamesIn(folder).Order(StringComparer.Ordinal)] : [];

    /// <param name="path">Absolute, and free of links but for its last step.</param>
    protected abstract RootFile? Look(string path);

    protected abstract string Text(RootFile file);

    protected abstract IEnumerable<string> NamesIn(RootFile folder);

    private static string[] Steps(string path) => [.. path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(static s => s != ".")];
}
