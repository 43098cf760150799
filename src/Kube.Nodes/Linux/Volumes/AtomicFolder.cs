using System.Collections.Immutable;
using System.Globalization;

namespace Kube.Nodes.Linux;

/// <summary>
/// A folder whose files change all at once: each version is a folder of its own, <c>..data</c> leads to the current one, and
/// the visible names are links through it. This is the kubelet's layout (<c>AtomicWriter</c>), and programs watch for it.
/// </summary>
/// <param name="folder">The volume as this process names it.</param>
internal sealed class AtomicFolder(string folder)
{
    private string? _written;
    private int _version;

    /// <summary>Makes the folder hold exactly these files. Returns whether anything changed.</summary>
    public bool Write(ImmutableArray<VolumeFile> files, DateTimeOffset now)
    {
        var fingerprint = VolumeContent.Fingerprint(files);
        if (fingerprint == _written) return false;
        if (_written is null) SandboxFiles.MakeFolder(folder, SandboxFiles.OpenFolder);

        var version = string.Create(CultureInfo.InvariantCulture, $"..{now.UtcDateTime:yyyy_MM_dd_HH_mm_ss}.{++_version}");
        SandboxFiles.MakeFolder(Path.Join(folder, version));
        foreach (var file in files)
        {
            var path = Path.Join(folder, version, file.Path);
            var parent = Path.GetDirectoryName(path)!;
            if (!Directory.Exists(parent)) SandboxFiles.MakeFolder(parent);
            SandboxFiles.Write(path, file.Content.Span, file.Mode);
        }

        var data = Path.Join(folder, "..data");
        var before = MachinePath.LinkTarget(data);
        if (MachinePath.LinkTarget(data + "_tmp") is not null) File.Delete(data + "_tmp");
        File.CreateSymbolicLink(data + "_tmp", version);
        LibC.Replace(data + "_tmp", data);

        var names = files.Select(static f => f.Path.Split('/')[0]).ToHashSet(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (MachinePath.LinkTarget(Path.Join(folder, name)) is null) File.CreateSymbolicLink(Path.Join(folder, name), $"..data/{name}");
        }

        foreach (var entry in new DirectoryInfo(folder).GetFileSystemInfos())
        {
            if (!entry.Name.StartsWith("..", StringComparison.Ordinal) && !names.Contains(entry.Name)) entry.Delete();
        }

        if (before is not null) Directory.Delete(Path.Join(folder, before), recursive: true);
        _written = fingerprint;
        return true;
    }
}
