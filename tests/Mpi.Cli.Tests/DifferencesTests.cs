namespace Mpi.Cli.Tests;

/// <summary>docs/differences.md promises tests by name, and they exist.</summary>
public sealed class DifferencesTests
{
    private static readonly string[] Page = Repository.Page("docs/differences.md");

    [Fact]
    public void Every_test_that_the_page_names_exists()
    {
        var named = Page.SelectMany(Repository.TestsNamedIn).Distinct().ToList();
        Assert.True(named.Count > 40, $"only {named.Count} tests are named");
        Assert.DoesNotContain(named, static name => !Repository.Tests.Contains(name));
    }

    [Fact]
    public void Every_row_of_the_tables_of_differences_names_a_test()
    {
        var tables = Page.SkipWhile(static l => l != "| spec row | old | ours | test |").Where(static l => l.StartsWith("| ", StringComparison.Ordinal) && !l.StartsWith("| spec row", StringComparison.Ordinal));
        Assert.All(tables, static row => Assert.Matches("`[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)+` \\|$", row));
    }
}
