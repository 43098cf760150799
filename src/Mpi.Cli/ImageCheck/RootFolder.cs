using System.Text;

namespace Mpi.Cli;

/// <summary>An unpacked root file system in a folder of this machine. Nothing outside the folder is ever looked at: links are followed within it.</summary>
public sealed class RootFolder(string folder) : RootFiles
{
    private readonly string _folder = Path.GetFullPath(folder).TrimEnd('/');

    protected override RootFile? Look(string path)
    {
        var info = new FileInfo(OnMachine(path));
        try
        {
            if (info.LinkTarget is { } target) return new RootFile(path, RootFileType.Link, UnixFileMode.None, null, target);
            if (!info.Exists && !Directory.Exists(info.FullName)) return null;
            var type = info.Attributes switch
            {
                var a when a.HasFlag(FileAttributes.Directory) => RootFileType.Folder,
                var a when a.HasFlag(FileAttributes.Device) => RootFileType.Other,
                _ => RootFileType.File,
            };
            return new RootFile(path, type, info.UnixFileMode, null, null);
        }
        catch (UnauthorizedAccessException)
        {
            // Below a folder that whoever checks may not enter; the fault is told of that folder.
            return null;
        }
    }

    protected override string Text(RootFile file)
    {
        using var reader = new StreamReader(OnMachine(file.Path), Encoding.UTF8);
        var buffer = new char[TextMax];
        return new string(buffer, 0, reader.ReadBlock(buffer));
    }

    protected override IEnumerable<string> NamesIn(RootFile folder) => Directory.EnumerateFileSystemEntries(OnMachine(folder.Path)).Select(Path.GetFileName)!;

    private string OnMachine(string path) => path == "/" ? _folder + "/" : _folder + path;
}
