using System.Collections.Immutable;
using Kube.Nodes.Images;
using Mpi.LocalCluster;

namespace Mpi.Cli;

/// <summary>Where image stand-ins are looked for: beside the manifest, then those that come with the program.</summary>
internal static class ImagePath
{
    /// <summary>This user's folder for what is the same from run to run.</summary>
    public static string Cache { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg ? xdg : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "kubempi");

    public static ImmutableArray<string> For(string manifestFolder) => Of([BesideManifest(manifestFolder)]);

    /// <summary>The stand-ins that a manifest brings along.</summary>
    public static string BesideManifest(string manifestFolder) => Path.Combine(manifestFolder, "images");

    /// <summary>The given folders, then those that come with the program.</summary>
    public static ImmutableArray<string> Of(IEnumerable<string> folders) => [.. folders, ShippedImages.Locate(Environment.GetEnvironmentVariable("KUBEMPI_HOME"), Cache)];

    /// <summary>The home folders that images give their users, as far as stand-ins tell.</summary>
    public static Func<string, long, string?> Homes(string manifestFolder)
    {
        var catalog = new ImageCatalog(For(manifestFolder));
        return (image, uid) =>
        {
            try
            {
                return catalog.Resolve(image).Users.FirstOrDefault(user => user.Uid == uid)?.Home;
            }
            catch (ImageException)
            {
                // A stand-in that cannot be used is told of in full when its image is prepared.
                return null;
            }
        };
    }
}
