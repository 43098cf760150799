using System.Collections.Immutable;

namespace Kube.Nodes.Images;

/// <summary>Finds what stands in for an image.</summary>
/// <param name="searchPath">Folders named <c>images</c>, in order; absent ones are passed over.</param>
public sealed class ImageCatalog(ImmutableArray<string> searchPath)
{
    private const int BasesAtMost = 16;

    /// <summary>What the image means on this machine. Read anew each time: a stand-in may be edited while a cluster runs.</summary>
    /// <exception cref="ImageException">A stand-in is there but cannot be used.</exception>
    public ImageContent Resolve(string image)
    {
        var layers = new List<ImageStandIn>();
        for (var next = image; next is not null; next = layers[^1].Base)
        {
            if (Find(next) is not { } folder)
            {
                if (layers.Count == 0) break;
                throw new ImageException($"{layers[^1].Folder}/image.yaml: nothing stands in for its base {next}; searched {string.Join(", ", searchPath)}");
            }

            if (layers.Any(l => l.Folder == folder) || layers.Count == BasesAtMost) throw new ImageException($"{folder}/image.yaml: its bases lead in a circle");
            layers.Add(ImageStandIn.Read(folder));
        }

        layers.Reverse();
        return new ImageContent(image, [.. layers]);
    }

    private string? Find(string image)
    {
        var folders = ImageReference.Parse(image).Folders().ToList();
        return searchPath
            .SelectMany(_ => folders, static (root, folder) => Path.Join(root, folder))
            .FirstOrDefault(static folder => File.Exists(Path.Join(folder, "image.yaml")));
    }
}
