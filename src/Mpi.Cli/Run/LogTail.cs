using System.Text;

namespace Mpi.Cli;

/// <summary>What is added to a file from now on, in whole lines.</summary>
internal sealed class LogTail(string path)
{
    private const int BytesAtOnce = 64 * 1024;
    private long _read = new FileInfo(path) is { Exists: true } now ? now.Length : 0;

    public IReadOnlyList<string> Read()
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            // A log that grew too long was cut: what it holds has been read, or is lost.
            if (file.Length < _read) _read = file.Length;
            if (file.Length == _read) return [];
            file.Position = _read;
            var bytes = new byte[Math.Min(BytesAtOnce, file.Length - _read)];
            var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            var end = Array.LastIndexOf(bytes, (byte)'\n', count - 1) + 1;
            // A line longer than what is read at once is passed over.
            _read += end > 0 || count < BytesAtOnce ? end : count;
            return end == 0 ? [] : Encoding.UTF8.GetString(bytes, 0, end - 1).Split('\n');
        }
        catch (IOException)
        {
            // The cluster ended and took its log along.
            return [];
        }
    }
}
