namespace Kube.Nodes.Images;

/// <summary>An image's name taken apart: <c>[host/]repository[:tag][@digest]</c>.</summary>
/// <param name="Host">The registry, or empty when the name has none.</param>
/// <param name="Repository">Such as <c>mpioperator/mpi-pi</c>.</param>
/// <param name="Tag"><c>latest</c> when the name has none.</param>
public sealed record ImageReference(string Host, string Repository, string Tag)
{
    public static ImageReference Parse(string image)
    {
        var name = image.Split('@', 2)[0];
        var colon = name.LastIndexOf(':');
        // A colon before the last slash parts a host from its port.
        var (path, tag) = colon > name.LastIndexOf('/') ? (name[..colon], name[(colon + 1)..]) : (name, "latest");
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        // The rule of the image reference grammar: a first part with a dot or a colon, or "localhost", is a host.
        var hasHost = slash > 0 && (path.AsSpan(0, slash).ContainsAny('.', ':') || path[..slash] == "localhost");
        return hasHost ? new ImageReference(path[..slash], path[(slash + 1)..], tag) : new ImageReference("", path, tag);
    }

    /// <summary>The folders that can stand for the image, below a search path; the most exact first.</summary>
    public IEnumerable<string> Folders()
    {
        if (Host.Length > 0)
        {
            yield return $"{Host}/{Repository}@{Tag}";
            yield return $"{Host}/{Repository}";
        }

        yield return $"{Repository}@{Tag}";
        yield return Repository;
    }
}
