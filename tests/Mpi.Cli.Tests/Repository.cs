using System.Collections.Frozen;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Mpi.Cli.Tests;

/// <summary>The checkout as text: its pages, and the names of its tests.</summary>
internal static partial class Repository
{
    private static readonly string Root = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "Repository").Value!;

    /// <summary>Every test method and every golden folder.</summary>
    public static FrozenSet<string> Tests { get; } = Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*.cs", SearchOption.AllDirectories)
        .SelectMany(static file => Method().Matches(File.ReadAllText(file)).Select(static m => m.Groups["name"].Value))
        .Concat(Directory.EnumerateDirectories(Path.Combine(Root, "tests/Mpi.Planning.Tests/golden")).Select(static folder => Path.GetFileName(folder)))
        .ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Of an image's stand-in and Dockerfile.</summary>
    public static string Folder(string image) => Path.Combine(Root, "images", image);

    public static string[] Page(string path) => File.ReadAllLines(Path.Combine(Root, path));

    public static IEnumerable<string> TestsNamedIn(string line) => Named().Matches(line).Select(static m => m.Groups["name"].Value);

    [GeneratedRegex(@"public (async )?(Task|void) (?<name>[A-Z]\w+)\(", RegexOptions.ExplicitCapture)]
    private static partial Regex Method();

    [GeneratedRegex("`(?<name>[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)+)`", RegexOptions.ExplicitCapture)]
    private static partial Regex Named();
}
