namespace Mpi.Cli;

/// <summary>
/// Keeps the log of a background cluster from filling the disk. The log is the process's standard error, so that the runtime's own
/// last words land there too; hence it is cut in place and not replaced.
/// </summary>
internal sealed class LogBound(string path, long bytesMax)
{
    private const long BytesMax = 4L * 1024 * 1024;

    /// <returns>Null when this process writes somewhere else, such as to a terminal.</returns>
    public static LogBound? OfThisProcess(string path) =>
        File.ResolveLinkTarget("/proc/self/fd/2", returnFinalTarget: false)?.FullName == path ? new LogBound(path, BytesMax) : null;

    /// <summary>Drops the older half of a log that has grown too long. Everybody appends, so nobody's position is disturbed.</summary>
    public void Trim()
    {
        if (new FileInfo(path) is not { Exists: true } log || log.Length <= bytesMax) return;
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = file.Length - bytesMax / 2;
        var kept = new byte[bytesMax / 2];
        var count = file.ReadAtLeast(kept, kept.Length, throwOnEndOfStream: false);
        var line = Array.IndexOf(kept, (byte)'\n', 0, count) + 1;
        file.Position = 0;
        file.Write(kept, line, count - line);
        file.SetLength(count - line);
    }
}
