using System.Collections.Immutable;
using Kube.Nodes.Images;

namespace Kube.Nodes.Linux;

/// <summary>Lays one stand-in over a container's root, in the order that docs/images.md promises.</summary>
internal static class ImageLayer
{
    public static void Apply(ImageContent image, ImageStandIn layer, string? buildOutput, PodRoot root, ImageAccounts accounts, IReadOnlyDictionary<string, string> programMounts, ImmutableArray<PathOwner>.Builder owners)
    {
        foreach (var user in layer.Users)
        {
            owners.Add(new PathOwner(root.Own(user.Home), user.Uid, user.Gid, Recursive: false));
        }

        if (layer.FilesFolder is { } files) root.Lay(files);
        if (buildOutput is not null) root.Lay(buildOutput);
        foreach (var link in layer.Links) root.Link(link.Path, link.Targets.FirstOrDefault(Path.Exists) ?? link.Targets[^1]);
        foreach (var mount in layer.Mounts)
        {
            if (!programMounts.TryGetValue(mount.Name, out var source)) throw new ImageException($"image {image.Image}: {layer.Folder}/image.yaml mounts \"{mount.Name}\", which is not offered here; offered: {string.Join(", ", programMounts.Keys.Order(StringComparer.Ordinal))}");
            root.Mount(new ContainerMount(MachinePath.Inside(source), mount.Path, ReadOnly: true, IsFile: File.Exists(source)));
        }

        foreach (var file in layer.Files)
        {
            var path = file.Directory ? root.Own(file.Path) : root.Existing(file.Path) ?? throw new ImageException($"image {image.Image}: {layer.Folder}/image.yaml sets the owner or mode of {file.Path}, which nothing puts there");
            if (file.Mode is { } mode) root.SetMode(path, mode);
            if (file.Owner is null) continue;
            var (uid, gid) = accounts.Resolve(file.Owner) ?? throw new ImageException($"image {image.Image}: {layer.Folder}/image.yaml gives {file.Path} to {file.Owner}, who is no user of the image");
            owners.Add(new PathOwner(path, uid, gid, file.Recursive));
        }
    }
}
