using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>A <c>hostPath</c> volume: a place of this machine, checked for its type or made as the type asks.</summary>
internal static class HostPath
{
    /// <returns>The place inside the cluster's sandbox, and whether it is no folder.</returns>
    /// <exception cref="MissingReferenceException">The place is not there, or of another type.</exception>
    public static (string Source, bool IsFile) Make(JsonElement source)
    {
        var path = source.Text("path") ?? "";
        var type = source.Text("type") ?? "";
        if (!path.StartsWith('/')) throw new MissingReferenceException($"hostPath \"{path}\" is no absolute path");
        if (type == "DirectoryOrCreate" && !Path.Exists(path)) SandboxFiles.MakeFolder(path);
        if (type == "FileOrCreate" && !Path.Exists(path)) SandboxFiles.Write(path, "");
        if (!Path.Exists(path)) throw new MissingReferenceException(type.Length > 0 ? $"hostPath type check failed: {path} is not {Words(type)}" : $"hostPath {path} does not exist on this machine");
        if (type.Length > 0 && !Is(type, path)) throw new MissingReferenceException($"hostPath type check failed: {path} is not {Words(type)}");
        return (MachinePath.Inside(path), !Directory.Exists(path));
    }

    private static bool Is(string type, string path) => type switch
    {
        "Directory" or "DirectoryOrCreate" => Directory.Exists(path),
        "File" or "FileOrCreate" => File.Exists(path) && Kind(path) == FileKind.Regular,
        "Socket" => Kind(path) == FileKind.Socket,
        "CharDevice" => Kind(path) == FileKind.CharacterDevice,
        "BlockDevice" => Kind(path) == FileKind.BlockDevice,
        _ => true,
    };

    private enum FileKind { Regular, Socket, CharacterDevice, BlockDevice, Other }

    /// <summary>.NET does not tell devices and sockets apart; <c>/proc/self/fd</c> and friends would, but the mode bits of stat(2) do it best.</summary>
    private static FileKind Kind(string path) => LibC.FileType(path) switch
    {
        0x8000 => FileKind.Regular,
        0xC000 => FileKind.Socket,
        0x2000 => FileKind.CharacterDevice,
        0x6000 => FileKind.BlockDevice,
        _ => FileKind.Other,
    };

    private static string Words(string type) => type switch
    {
        "CharDevice" => "a character device",
        "BlockDevice" => "a block device",
        "Directory" or "DirectoryOrCreate" => "a directory",
        "Socket" => "a socket",
        _ => "a file",
    };
}
