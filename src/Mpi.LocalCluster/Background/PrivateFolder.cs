namespace Mpi.LocalCluster;

/// <summary>Folders that hold a user's secrets: theirs, and closed to everybody else.</summary>
public static class PrivateFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes the folder, or makes sure that the one that is there can be trusted: a name below /tmp can be taken by anybody first.</summary>
    /// <exception cref="UnauthorizedAccessException">It belongs to somebody else, or is no folder.</exception>
    public static void Ensure(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly);
        if (LibC.Facts(path) is not { } facts) return;
        if (!facts.IsFolder || facts.Owner != LibC.EffectiveUser())
        {
            throw new UnauthorizedAccessException($"{path} belongs to another user (uid {facts.Owner}) or is no folder of its own; remove it, or set XDG_RUNTIME_DIR to a folder of yours");
        }

        if (!facts.IsForOwnerOnly) File.SetUnixFileMode(path, OwnerOnly);
    }

    /// <summary>Whether a folder that a variable names is there and ours: sudo hands on the variables of whoever called it.</summary>
    public static bool IsOwn(string path) => LibC.Facts(path) is { IsFolder: true } facts && facts.Owner == LibC.EffectiveUser();

    /// <summary>Another cluster may be starting beside this one: only an empty folder goes.</summary>
    public static void RemoveIfEmpty(string path)
    {
        try
        {
            if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any()) Directory.Delete(path);
        }
        catch (IOException)
        {
            // Somebody has just put something in it, or removed it first; both are fine.
        }
    }
}
