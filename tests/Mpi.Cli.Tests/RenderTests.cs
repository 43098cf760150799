using System.CommandLine;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Cli.Tests;

/// <summary>
/// <c>kubempi render</c> by transcripts, one a sentence: commands behind <c>$ </c>, and below each what it prints; lines of standard
/// error begin with <c>2&gt; </c>, a line <c>exit N</c> ends a command that fails. <c>KUBEMPI_REFRESH_GOLDEN=1</c> rewrites what commands print.
/// </summary>
public sealed partial class RenderTests
{
    private static readonly string Folder = Path.Combine(
        typeof(RenderTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static a => a.Key == "Repository").Value!, "tests/Mpi.Cli.Tests/golden/render");

    public static IEnumerable<TheoryDataRow<string>> Sentences() =>
        Directory.GetFiles(Folder, "*.txt").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal).Select(static s => new TheoryDataRow<string>(s!));

    [Theory]
    [MemberData(nameof(Sentences))]
    public async Task Prototypes_render_as_the_transcript_says(string sentence)
    {
        var file = Path.Combine(Folder, $"{sentence}.txt");
        var golden = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var played = new StringBuilder();
        foreach (var command in golden.Split('\n').Where(static line => line.StartsWith("$ ", StringComparison.Ordinal)))
        {
            var (code, output, errors) = await RunAsync(Words(command));
            played.Append(command).Append('\n');
            foreach (var line in errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)) played.Append("2> ").Append(line).Append('\n');
            played.Append(output);
            if (code != 0) played.Append($"exit {code}\n");
        }

        if (Environment.GetEnvironmentVariable("KUBEMPI_REFRESH_GOLDEN") == "1") await File.WriteAllTextAsync(file, played.ToString(), TestContext.Current.CancellationToken);
        Assert.Equal(golden, played.ToString());
    }

    [Theory]
    [InlineData("mpi-operator", "io.ksonnet.pkg.mpi-operator")]
    [InlineData("mpi-job-simple", "io.ksonnet.pkg.mpi-job-simple")]
    [InlineData("mpi-job-custom", "io.ksonnet.pkg.mpi-job-custom")]
    public async Task The_long_name_of_a_prototype_and_the_parameter_name_do_the_same(string shortName, string longName)
    {
        var expected = await RunAsync(["render", shortName, "x"]);
        Assert.Equal(0, expected.Code);
        Assert.Equal(expected, await RunAsync(["render", longName, "x"]));
        Assert.Equal(expected, await RunAsync(["render", shortName, "component", "--name", "x"]));
        Assert.Equal(expected, await RunAsync(["render", shortName, "--name=x"]));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    [InlineData("8")]
    [InlineData("16")]
    public async Task Numbers_of_gpus_that_the_old_definition_took_are_numbers_in_the_job(string gpus)
    {
        var (code, output, _) = await RunAsync(["render", "mpi-job-simple", "x", "--gpus", gpus]);
        Assert.Equal(0, code);
        Assert.Contains($"\n    gpus: {gpus}\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task No_job_has_an_empty_map_a_null_or_a_namespace_that_was_not_given(string[] arguments)
    {
        var (code, output, _) = await RunAsync(["render", .. arguments]);
        Assert.Equal(0, code);
        Assert.DoesNotMatch(EmptyOrNull(), output);
        Assert.DoesNotContain("namespace", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task Json_and_yaml_say_the_same(string[] arguments)
    {
        var (yaml, json) = ((await RunAsync(["render", .. arguments])).Output, (await RunAsync(["render", .. arguments, "-o", "json"])).Output);
        Assert.Equal(Yaml.Write(JsonElement.Parse(json)), yaml);
    }

    public static IEnumerable<TheoryDataRow<string[]>> Renderings() => new string[][]
    {
        ["mpi-job-simple", "x"],
        ["mpi-job-simple", "x", "--generation", "1"],
        ["mpi-job-simple", "x", "--command", "null", "--args", "null"],
        ["mpi-job-custom", "x"],
        ["mpi-job-custom", "x", "--generation", "1", "--command", "a,b"],
        ["mpi-job-custom", "x", "--pvcName", "null", "--volumeMountPath", "null"],
    }.Select(static arguments => new TheoryDataRow<string[]>(arguments));

    [Fact]
    public async Task A_rendered_list_is_read_as_the_objects_in_it()
    {
        var objects = Yaml.Read((await RunAsync(["render", "mpi-operator", "mpi-operator", "-n", "kubeflow"])).Output);
        Assert.Equal(["CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Deployment"], objects.Select(static o => (string?)o.Root["kind"]));
    }

    [Fact]
    public void Every_parameter_has_words_of_its_own()
    {
        foreach (var prototype in KsonnetPackage.Prototypes) Assert.Equal(prototype.Parameters.Length, prototype.Parameters.Select(static p => p.Description).Distinct().Count());
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(string[] arguments)
    {
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        var code = await new RootCommand { RenderCommand.Create() }.Parse(RenderCommand.TieValues(arguments))
            .InvokeAsync(new InvocationConfiguration { Output = output, Error = errors }, TestContext.Current.CancellationToken);
        return (code, output.ToString(), errors.ToString());
    }

    /// <summary>As a shell takes a line apart, as far as transcripts need it: blanks, and quotes around what holds some or nothing.</summary>
    private static string[] Words(string command) => [.. Word().Matches(command["$ kubempi ".Length..]).Select(static m => m.Value.Replace("'", "", StringComparison.Ordinal))];

    [GeneratedRegex("([^ ']|'[^']*')+", RegexOptions.ExplicitCapture)]
    private static partial Regex Word();

    [GeneratedRegex(@"(\{\}|\[\]|null|"""")$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex EmptyOrNull();
}
