namespace Kube.Nodes.Linux;

/// <summary>Paths of the machine as the cluster's sandbox sees them, below /machine.</summary>
internal static class MachinePath
{
    private const int LinksAtMost = 40;

    /// <summary>
    /// The path below /machine that leads to the same place. Links are followed here, since an absolute one would lead
    /// astray there. What does not exist is kept as written.
    /// </summary>
    public static string Inside(string path) => "/machine" + Real(path);

    /// <summary>The path without any symbolic link, as far as it exists.</summary>
    public static string Real(string path)
    {
        var pending = new Stack<string>(Parts(path).Reverse());
        var real = new List<string>();
        var links = 0;
        while (pending.TryPop(out var part))
        {
            if (part == ".") continue;
            if (part == "..")
            {
                if (real.Count > 0) real.RemoveAt(real.Count - 1);
                continue;
            }

            var here = $"/{string.Join('/', real.Append(part))}";
            if (LinkTarget(here) is { } target && links++ < LinksAtMost)
            {
                if (target.StartsWith('/')) real.Clear();
                foreach (var step in Parts(target).Reverse()) pending.Push(step);
                continue;
            }

            real.Add(part);
        }

        return $"/{string.Join('/', real)}";
    }

    /// <summary>Where a symbolic link points, as written in it; null for anything else.</summary>
    public static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string[] Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);
}
