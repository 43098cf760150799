using Microsoft.Win32.SafeHandles;

namespace Mpi.LocalCluster;

/// <summary>
/// The right to be this user's background cluster: a lock of the kernel's (flock(2)), which goes with its holder however that ends. So
/// a stale file, or a PID that is in use again, means nothing.
/// </summary>
public sealed class BackgroundLock : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _file;

    private BackgroundLock(string path, SafeFileHandle file) => (_path, _file) = (path, file);

    /// <summary>Whether the file is still the one that we hold; when somebody removed it, others no longer see us.</summary>
    public bool IsSeen => LibC.Facts(_path) is { } there && IsSame(_file, there);

    /// <returns>Null when somebody else has it.</returns>
    public static BackgroundLock? TryTake(string path)
    {
        while (true)
        {
            SafeFileHandle file;
            try
            {
                file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                return null;
            }

            // .NET has locked it already, unless a variable told it not to.
            if (!LibC.TryLock(file))
            {
                file.Dispose();
                return null;
            }

            // Its holder removes the file before letting go; then this is a lock on a file that nobody sees any more.
            if (LibC.Facts(path) is { } there && IsSame(file, there)) return new BackgroundLock(path, file);
            file.Dispose();
        }
    }

    public void Dispose()
    {
        if (_file.IsClosed) return;
        if (IsSeen) File.Delete(_path);
        _file.Dispose();
    }

    private static bool IsSame(SafeFileHandle file, FileFacts there) =>
        LibC.Facts(file) is { } ours && ours.Number == there.Number && ours.Device == there.Device;
}
