using System.CommandLine;

namespace Mpi.Cli.Tests;

/// <summary>Wrong usage is told and ends with 2 (docs/cli-output.md), whichever verb it is; nothing is started.</summary>
public sealed class CommandLineTests
{
    /// <summary>Every verb, and every verb below one, as it is typed.</summary>
    public static TheoryData<string> Verbs => [.. Below(CommandLine.Create(), "").Select(static v => v.Words)];

    /// <summary>Those that cannot do without some argument.</summary>
    public static TheoryData<string> VerbsWithArguments => [.. Below(CommandLine.Create(), "").Where(static v => v.Command.Arguments.Any(static a => a.Arity.MinimumNumberOfValues > 0)).Select(static v => v.Words)];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task An_unknown_option_is_wrong_usage(string verb)
    {
        var (code, said) = await RunAsync([.. verb.Split(' '), "--no-such-option=1"]);
        Assert.Equal(ExitCode.Usage, code);
        // What may be a flag of the operator is told by the verb itself.
        if (verb != "install") Assert.Contains("no-such-option", said, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(VerbsWithArguments))]
    public async Task A_missing_argument_is_wrong_usage(string verb) => Assert.Equal(ExitCode.Usage, (await RunAsync(verb.Split(' '))).Code);

    [Theory]
    [InlineData("")]
    [InlineData("image")]
    [InlineData("no-such-verb")]
    [InlineData("run job.yaml --timeuot 3s")]
    [InlineData("plan --no-such job.yaml")]
    [InlineData("install --overlay nowhere")]
    [InlineData("install --profile v9")]
    [InlineData("install --dialect volcano")]
    [InlineData("install --timeout soon")]
    [InlineData("install --overlay namespaced")]
    [InlineData("install --namespace A_B")]
    public async Task What_is_no_command_line_of_ours_is_wrong_usage(string line)
    {
        var (code, said) = await RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(ExitCode.Usage, code);
        Assert.NotEqual("", said);
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Help_is_no_wrong_usage(string verb) => Assert.Equal(ExitCode.Success, (await RunAsync([.. verb.Split(' '), "--help"])).Code);

    [Fact]
    public async Task The_operator_reads_its_flags_itself_and_says_the_same() => Assert.Equal(ExitCode.Usage, await OperatorCommand.RunAsync(["--no-such-option=1"], Token));

    private static IEnumerable<(string Words, Command Command)> Below(Command command, string words) =>
        command.Subcommands.SelectMany(sub => $"{words} {sub.Name}".Trim() is var name && sub.Subcommands.Count > 0 ? Below(sub, name) : [(name, sub)]);

    private static async Task<(int Code, string Said)> RunAsync(string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(arguments, new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = null }, Token);
        return (code, error.ToString());
    }
}
