namespace Mpi.Cli.Tests;

/// <summary>docs/old-defects.md: no known defect of the old operator is left out, each row names what holds us to better, and every test named there exists.</summary>
public sealed class OldDefectsTests
{
    private const int KnownDefects = 28;

    private static readonly string[] Page = Repository.Page("docs/old-defects.md");

    /// <summary>Bugs of the old operator's own history, by issue or pull request: Running repeated, two launchers, a cache written into, a selector without a namespace, a crash, a slow queue.</summary>
    private static readonly int[] History = [622, 647, 669, 674, 787, 810, 819];

    [Fact]
    public void Each_known_defect_has_its_row() =>
        Assert.All(Enumerable.Range(1, KnownDefects), static n => Assert.Single(Page, l => l.StartsWith($"| B{n} |", StringComparison.Ordinal)));

    [Fact]
    public void Each_bug_of_the_old_operators_history_is_answered() =>
        Assert.All(History, static issue => Assert.Contains(Page, l => l.StartsWith("| ", StringComparison.Ordinal) && l.Contains($"#{issue}", StringComparison.Ordinal)));

    [Fact]
    public void Every_row_ends_with_the_tests_that_hold_us_to_it() => Assert.All(
        Page.Where(static l => l.StartsWith("| ", StringComparison.Ordinal) && !l.EndsWith("| held by |", StringComparison.Ordinal)),
        static row => Assert.NotEmpty(Repository.TestsNamedIn(row[row.LastIndexOf('|', row.Length - 2)..])));

    [Fact]
    public void Every_test_that_the_page_names_exists() =>
        Assert.DoesNotContain(Page.SelectMany(Repository.TestsNamedIn), static name => !Repository.Tests.Contains(name));
}
