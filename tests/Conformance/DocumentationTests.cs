using System.Reflection;
using System.Text.RegularExpressions;

namespace Conformance;

/// <summary>Pages that say what is tested name tests that are there.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(
        typeof(DocumentationTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "TranscriptSource").Value!, "..", "..", ".."));

    public static TheoryData<string> Pages() => [.. Directory.EnumerateFiles(Path.Combine(Root, "docs", "kubernetes"), "*.md")
        .Append(Path.Combine(Root, "docs", "conformance.md")).Select(static p => Path.GetRelativePath(Root, p)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Every_test_that_a_page_names_exists(string page)
    {
        var tests = await TestsAsync();
        var named = TestNames().Matches(await File.ReadAllTextAsync(Path.Combine(Root, page))).Select(static m => m.Value.Trim('`')).Distinct(StringComparer.Ordinal).ToList();
        Assert.True(named.Count > 0, $"{page} names no test");
        Assert.DoesNotContain(named, name => !tests.Contains(name));
    }

    /// <summary>Every test method, class of tests and transcript, by name.</summary>
    private static async Task<HashSet<string>> TestsAsync()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*.*", SearchOption.AllDirectories))
        {
            if (file.EndsWith(".txt", StringComparison.Ordinal)) names.Add(Path.GetFileName(file));
            if (!file.EndsWith("Tests.cs", StringComparison.Ordinal)) continue;
            foreach (Match declared in Declarations().Matches(await File.ReadAllTextAsync(file))) names.Add(declared.Groups["name"].Value);
        }

        return names;
    }

    /// <summary>A sentence with underscores, a class of tests, or a transcript, as code.</summary>
    [GeneratedRegex(@"`(?:[A-Z][a-z0-9]*(?:_[A-Za-z0-9]+){2,}|[A-Z][A-Za-z0-9]*Tests|[a-z][a-z0-9-]*\.txt)`")]
    private static partial Regex TestNames();

    [GeneratedRegex(@"public ((async )?(Task|void) (?<name>\w+)\(|sealed (partial )?class (?<name>\w+Tests)\b)", RegexOptions.ExplicitCapture)]
    private static partial Regex Declarations();
}
