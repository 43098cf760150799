using System.Reflection;
using System.Text.RegularExpressions;

namespace Mpi.Cli.Tests;

/// <summary>docs/differences.md promises tests by name; they exist, and no known defect of the old operator is left out.</summary>
public sealed partial class DifferencesTests
{
    private const int KnownDefects = 28;

    private static readonly string Root = typeof(DifferencesTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "Repository").Value!;
    private static readonly string[] Page = File.ReadAllLines(Path.Combine(Root, "docs/differences.md"));

    [Fact]
    public void Every_test_that_the_page_names_exists()
    {
        var tests = Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*.cs", SearchOption.AllDirectories).SelectMany(static file => Method().Matches(File.ReadAllText(file)).Select(static m => m.Groups[1].Value))
            .Concat(Directory.EnumerateDirectories(Path.Combine(Root, "tests/Mpi.Planning.Tests/golden")).Select(static folder => Path.GetFileName(folder)))
            .ToHashSet(StringComparer.Ordinal);
        var named = Page.SelectMany(static line => Named().Matches(line).Select(static m => m.Groups[1].Value)).Distinct().ToList();
        Assert.True(named.Count > 40, $"only {named.Count} tests are named");
        Assert.DoesNotContain(named, name => !tests.Contains(name));
    }

    [Fact]
    public void Every_row_of_the_tables_of_differences_names_a_test()
    {
        var tables = Page.SkipWhile(static l => l != "| spec row | old | ours | test |").TakeWhile(static l => l != "## Not there yet").Where(static l => l.StartsWith("| ", StringComparison.Ordinal) && !l.StartsWith("| spec row", StringComparison.Ordinal));
        Assert.All(tables, static row => Assert.Matches("`[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)+` \\|$", row));
    }

    [Fact]
    public void Each_known_defect_has_its_row() =>
        Assert.All(Enumerable.Range(1, KnownDefects), static n => Assert.Contains(Page, l => l.StartsWith($"| B{n} |", StringComparison.Ordinal)));

    [GeneratedRegex(@"public (?:async )?(?:Task|void) ([A-Z]\w+)\(")]
    private static partial Regex Method();

    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+)`")]
    private static partial Regex Named();
}
