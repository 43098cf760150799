using System.Collections.Immutable;
using System.Globalization;

namespace Kube.Nodes.Images;

/// <summary>What an image means on this machine: its stand-in with all its bases, put together.</summary>
/// <param name="Image">The name as the manifest has it.</param>
/// <param name="Layers">The stand-ins, the base first; empty when there is none and the machine's programs serve as they are.</param>
public sealed record ImageContent(string Image, ImmutableArray<ImageStandIn> Layers)
{
    public bool HasStandIn => !Layers.IsEmpty;

    public ImmutableArray<string> Entrypoint => Layers.LastOrDefault(static l => l.Entrypoint is not null)?.Entrypoint ?? [];

    /// <summary>As in a Dockerfile, a new entrypoint drops the base's command.</summary>
    public ImmutableArray<string> Command => Layers.LastOrDefault(static l => l.Command is not null || l.Entrypoint is not null)?.Command ?? [];

    public string WorkingDirectory => Last(static l => l.WorkingDirectory) ?? "/";

    /// <summary>Name, UID or UID:GID; null means root.</summary>
    public string? User => Last(static l => l.User);

    /// <summary>The UID as which containers run when their pod names none.</summary>
    public uint DefaultUid => User is { } user && new ImageAccounts("", "", this).Resolve(user) is { } account ? account.Uid : 0;

    public IEnumerable<KeyValuePair<string, string>> Environment => Layers.SelectMany(static l => l.Environment).GroupBy(static e => e.Key).Select(static g => g.Last());

    public IEnumerable<ImageUser> Users => Layers.SelectMany(static l => l.Users).GroupBy(static u => u.Name).Select(static g => g.Last());

    public IEnumerable<ImageGroup> Groups => Layers.SelectMany(static l => l.Groups).GroupBy(static g => g.Name).Select(static g => g.Last());

    /// <summary>What is missing on this machine, in words for people; none means the image can be stood in for.</summary>
    public IEnumerable<MissingProgram> Missing() =>
        Layers.SelectMany(static l => l.Programs).Distinct().Where(static p => !ProgramExists(p.Path)).Select(p => new MissingProgram(Image, p.Path, p.Package));

    public static bool ProgramExists(string program) => FindProgram(program) is not null;

    /// <summary>The path of a program of this machine: on the PATH, or where system programs are that an ordinary user's PATH leaves out.</summary>
    public static string? FindProgram(string program)
    {
        if (program.Contains('/', StringComparison.Ordinal)) return File.Exists(program) ? program : null;
        var path = $"{System.Environment.GetEnvironmentVariable("PATH")}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
        return path.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
    }

    private T? Last<T>(Func<ImageStandIn, T?> field) where T : class => Layers.Select(field).LastOrDefault(static v => v is not null);
}

/// <summary>A program that an image needs and this machine lacks.</summary>
public sealed record MissingProgram(string Image, string Path, string? Package)
{
    public string Remedy => Package is null ? $"install {Path}" : $"install it: apt-get install {Package}";

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"image {Image}: {Path} is missing; {Remedy}");
}
