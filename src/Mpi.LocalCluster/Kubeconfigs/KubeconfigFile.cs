using System.Text;

namespace Mpi.LocalCluster;

/// <summary>
/// A kubeconfig on disk as the local cluster edits it: under kubectl's own lock (a file <c>FILE.lock</c> beside it, made by whoever
/// writes), replaced whole, and readable by its owner only from then on, since it holds a token.
/// </summary>
public static class KubeconfigFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LockLook = TimeSpan.FromMilliseconds(50);

    /// <summary>Where kubectl looks first: the first file of <c>KUBECONFIG</c>, else <c>~/.kube/config</c>.</summary>
    public static string Default(Func<string, string?> environment) =>
        environment("KUBECONFIG")?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) is [var first, ..]
            ? Path.GetFullPath(first)
            : Path.Combine(environment("HOME") is { Length: > 0 } home ? home : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config");

    /// <summary>Adds the local cluster.</summary>
    /// <exception cref="KubeconfigException">The file cannot be read, written or edited; it is as it was.</exception>
    public static async Task<KubeconfigChange> AddAsync(string path, KubeconfigEntry entry, TimeProvider time, CancellationToken cancellation)
    {
        var madeFolder = false;
        var (madeFile, isCurrent) = (false, false);
        await EditAsync(path, text =>
        {
            madeFile = text is null;
            (var after, isCurrent) = KubeconfigText.Add(text ?? "", entry);
            return after;
        }, made => madeFolder = made, time, cancellation);
        return new KubeconfigChange(path, madeFile, madeFolder, isCurrent);
    }

    /// <summary>Takes the local cluster out again, and with it the file and its folder where they were made for it alone.</summary>
    /// <exception cref="KubeconfigException">The file cannot be read, written or edited; it is as it was.</exception>
    public static async Task RemoveAsync(KubeconfigChange change, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (!File.Exists(change.File)) return;
        await EditAsync(change.File, text =>
        {
            var after = KubeconfigText.Remove(text ?? "");
            return change.MadeFile && KubeconfigText.IsEmpty(after) ? null : after;
        }, static _ => { }, time, cancellation);
        if (change.MadeFolder && !File.Exists(change.File)) PrivateFolder.RemoveIfEmpty(Path.GetDirectoryName(change.File)!);
    }

    /// <summary>Whether the file could be edited, without touching it.</summary>
    /// <exception cref="KubeconfigException">It could not.</exception>
    public static void Check(string path, KubeconfigEntry entry)
    {
        try
        {
            KubeconfigText.Add(File.Exists(path) ? File.ReadAllText(path) : "", entry);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new KubeconfigException(refused.Message);
        }
    }

    private static async Task EditAsync(string path, Func<string?, string?> edit, Action<bool> folderMade, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            var folder = Path.GetDirectoryName(path)!;
            if (!Directory.Exists(folder))
            {
                Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
                folderMade(true);
            }

            // What lies behind a symbolic link is replaced, not the link.
            var target = new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
            var lockFile = path + ".lock";
            await LockAsync(lockFile, time, cancellation);
            try
            {
                RemoveDrafts(target);
                var before = File.Exists(target) ? await File.ReadAllTextAsync(target, cancellation) : null;
                var after = edit(before);
                if (after is null) File.Delete(target);
                else if (after != before) Replace(target, after);
            }
            finally
            {
                File.Delete(lockFile);
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new KubeconfigException(refused.Message);
        }
    }

    /// <summary>
    /// kubectl's lock is an empty file; ours says whose it is, so that one of a process that was killed stands in nobody's way. Made
    /// elsewhere and linked into place, it is never seen without its content.
    /// </summary>
    private static async Task LockAsync(string lockFile, TimeProvider time, CancellationToken cancellation)
    {
        var draft = $"{lockFile}.kubempi-{Environment.ProcessId}";
        await File.WriteAllTextAsync(draft, ProcessIdentity.OfThis().ToString(), cancellation);
        try
        {
            var begun = time.GetTimestamp();
            while (true)
            {
                try
                {
                    File.Move(draft, lockFile, overwrite: false);
                    return;
                }
                catch (IOException) when (File.Exists(lockFile))
                {
                    if (ProcessIdentity.Parse(await File.ReadAllTextAsync(lockFile, cancellation)) is { Lives: false })
                    {
                        File.Delete(lockFile);
                        continue;
                    }

                    if (time.GetElapsedTime(begun) > LockLimit) throw new KubeconfigException($"{lockFile} has been there for {LockLimit.TotalSeconds:0} s: a kubectl is writing the file, or one was killed while it did; in that case remove the lock");
                    await Task.Delay(LockLook, time, cancellation);
                }
            }
        }
        finally
        {
            File.Delete(draft);
        }
    }

    /// <summary>What a process that was killed in the middle of an edit has left.</summary>
    private static void RemoveDrafts(string target)
    {
        foreach (var draft in Directory.EnumerateFiles(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.kubempi-*")) File.Delete(draft);
    }

    private static void Replace(string target, string text)
    {
        var draft = Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.kubempi-{Environment.ProcessId}");
        try
        {
            using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly })) file.Write(Encoding.UTF8.GetBytes(text));
            // Under sudo with the caller's HOME the file stays the caller's.
            if (LibC.Facts(target) is { } facts && facts.Owner != LibC.EffectiveUser()) LibC.GiveTo(draft, facts.Owner, facts.Group);
            File.Move(draft, target, overwrite: true);
        }
        finally
        {
            File.Delete(draft);
        }
    }
}

/// <summary>What was done to a kubeconfig, to be undone later.</summary>
/// <param name="MadeFile">There was no such file before.</param>
/// <param name="MadeFolder">Nor its folder.</param>
/// <param name="IsCurrent">The context was made the current one.</param>
public sealed record KubeconfigChange(string File, bool MadeFile, bool MadeFolder, bool IsCurrent);
