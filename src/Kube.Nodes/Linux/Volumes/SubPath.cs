namespace Kube.Nodes.Linux;

/// <summary>
/// Finds a <c>subPath</c> in a volume. Whatever wrote into the volume may have left links there: each step is followed by hand, and
/// none leads out (CVE-2017-1002101, CVE-2021-25741 were about that).
/// </summary>
internal static class SubPath
{
    private const int LinksAtMost = 40;

    /// <param name="volume">The volume as this process names it.</param>
    /// <param name="within">The path below it.</param>
    /// <returns>The path below the volume, without links; its last parts need not exist.</returns>
    /// <exception cref="MissingReferenceException">It would lead out of the volume.</exception>
    public static string Resolve(string volume, string within)
    {
        if (within.StartsWith('/') || within.Split('/').Contains("..")) throw new MissingReferenceException($"subPath \"{within}\" must be a relative path without '..'");
        var pending = new Stack<string>(within.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var real = new List<string>();
        var links = 0;
        while (pending.TryPop(out var part))
        {
            switch (part)
            {
                case ".":
                    continue;
                case ".." when real.Count == 0:
                    throw Outside(within);
                case "..":
                    real.RemoveAt(real.Count - 1);
                    continue;
            }

            if (MachinePath.LinkTarget(Path.Join([volume, .. real, part])) is { } target)
            {
                // An absolute link means a place of the container's root, which is not the volume's.
                if (target.StartsWith('/') || ++links > LinksAtMost) throw Outside(within);
                foreach (var step in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse()) pending.Push(step);
                continue;
            }

            real.Add(part);
        }

        return string.Join('/', real);
    }

    private static MissingReferenceException Outside(string within) => new($"failed to prepare subPath: subpath \"{within}\" is not within the volume");
}
