using Mpi.Cli;

namespace Mpi.Cli.Tests;

public sealed class GoFlagsTests
{
    private static readonly HashSet<string> Booleans = ["version", "alsologtostderr"];
    private static readonly HashSet<string> Valued = ["namespace", "threadiness"];

    private static GoFlags Parse(params string[] arguments) => GoFlags.Parse(arguments, Booleans, Valued);

    [Theory]
    [InlineData("-namespace=a")]
    [InlineData("--namespace=a")]
    [InlineData("-namespace", "a")]
    [InlineData("--namespace", "a")]
    public void One_dash_or_two_and_a_value_joined_or_apart_mean_the_same(params string[] arguments)
    {
        var flags = Parse(arguments);
        Assert.Empty(flags.Errors);
        Assert.Equal("a", flags.Text("namespace", "b"));
    }

    [Fact]
    public void A_boolean_takes_no_word_after_it()
    {
        var flags = Parse("-alsologtostderr", "--namespace", "a");
        Assert.True(flags.Flag("alsologtostderr"));
        Assert.Equal("a", flags.Text("namespace", ""));
        Assert.False(Parse("-version=false").Flag("version", otherwise: true));
    }

    [Fact]
    public void Every_fault_is_told_at_once()
    {
        var flags = Parse("-nonsense", "word", "-threadiness=0", "-version=maybe", "-namespace");
        flags.Integer("threadiness", 2, minimum: 1);
        flags.Flag("version");
        Assert.Equal(5, flags.Errors.Length);
        Assert.Contains("unknown flag -nonsense", flags.Errors);
        Assert.Contains("flag -threadiness: \"0\" is no whole number of 1 or more", flags.Errors);
        Assert.Contains("flag -namespace needs a value", flags.Errors);
    }
}
