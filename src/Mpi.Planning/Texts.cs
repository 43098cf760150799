using System.Text;

namespace Mpi.Planning;

/// <summary>Bounds of texts that go into conditions and events.</summary>
internal static class Texts
{
    /// <summary>The API's bound of an event's note, in bytes; conditions keep to it, too, as kubeflow's do.</summary>
    private const int MessageBytesMax = 1024;
    private const int LastLinesMax = 400;

    /// <summary>At most 1024 bytes: 1021 and three dots where there was more. No character is cut in two.</summary>
    public static string Truncate(string message)
    {
        if (message.Length * 3 <= MessageBytesMax || Encoding.UTF8.GetByteCount(message) <= MessageBytesMax) return message;
        var bytes = 0;
        var kept = 0;
        foreach (var rune in message.EnumerateRunes())
        {
            if (bytes + rune.Utf8SequenceLength > MessageBytesMax - 3) break;
            bytes += rune.Utf8SequenceLength;
            kept += rune.Utf16SequenceLength;
        }

        return message[..kept] + "...";
    }

    /// <summary>
    /// The end of a program's output, on one line: there stands why it failed. Lines without a word are left out, or mpirun's
    /// rulers would push aside what the rank itself said.
    /// </summary>
    public static string LastLines(string output)
    {
        var text = string.Join(" | ", output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(static line => line.Any(char.IsLetterOrDigit)));
        if (text.Length <= LastLinesMax) return text;
        var start = text.Length - LastLinesMax;
        // Not in the middle of a surrogate pair.
        if (char.IsLowSurrogate(text[start])) start++;
        return "..." + text[start..];
    }
}
