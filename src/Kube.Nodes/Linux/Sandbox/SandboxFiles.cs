using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>Writing into the sandbox's memory file system, with modes that do not depend on this process's umask.</summary>
internal static class SandboxFiles
{
    public const UnixFileMode Folder = (UnixFileMode)0b111_101_101;
    public const UnixFileMode OpenFolder = (UnixFileMode)0b111_111_111;
    public const UnixFileMode StickyFolder = (UnixFileMode)0b1_111_111_111;
    public const UnixFileMode PlainFile = (UnixFileMode)0b110_100_100;

    public static void MakeFolder(string path, UnixFileMode mode = Folder)
    {
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, mode);
    }

    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = PlainFile)
    {
        // Created without rights for others first, so that a Secret is at no moment more open than asked.
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        using (var file = new FileStream(path, options)) file.Write(content);
        File.SetUnixFileMode(path, mode);
    }

    public static void Write(string path, string content, UnixFileMode mode = PlainFile) => Write(path, Encoding.UTF8.GetBytes(content), mode);

    /// <summary>Replaces a file in one step: a reader sees the old content or the new, never a part.</summary>
    public static void Replace(string path, string content)
    {
        var fresh = path + ".new";
        Write(fresh, content);
        File.Move(fresh, path, overwrite: true);
    }

    /// <summary>A name for a folder or file made from an identifier of the API: only characters that mean nothing to a shell or a mount table.</summary>
    public static string SafeName(string identifier) =>
        string.Create(identifier.Length, identifier, static (span, text) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = char.IsAsciiLetterOrDigit(text[i]) || text[i] == '-' || (text[i] == '.' && i > 0) ? text[i] : '_';
        });
}
