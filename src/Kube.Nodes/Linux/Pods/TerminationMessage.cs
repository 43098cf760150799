using System.Text;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>What a container that ended has to say: what it left at its <c>terminationMessagePath</c>, or the end of its log when so asked.</summary>
internal static class TerminationMessage
{
    private const int BytesAtMost = 4096;
    private const int BytesOfLogAtMost = 2048;
    private const int LinesOfLogAtMost = 80;

    /// <param name="file">The message file as this process names it.</param>
    public static string Of(ContainerView container, string file, ContainerLog log, int exitCode)
    {
        var text = Begin(file);
        if (text.Length > 0 || exitCode == 0 || container.Spec.Text("terminationMessagePolicy") != "FallbackToLogsOnError") return text;
        var tail = string.Concat(log.From(log.Tail(LinesOfLogAtMost)).Select(static e => Encoding.UTF8.GetString(e.Text.Span)));
        return tail.Length <= BytesOfLogAtMost ? tail : tail[^BytesOfLogAtMost..];
    }

    /// <summary>The file belongs to the container, which may have made it as long as it liked.</summary>
    private static string Begin(string file)
    {
        if (!File.Exists(file)) return "";
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        var bytes = new byte[BytesAtMost];
        var count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return Encoding.UTF8.GetString(bytes, 0, count);
    }
}
