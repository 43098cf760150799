using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class GateOptionsTests
{
    [Fact]
    public void All_options_are_read()
    {
        var options = GateOptions.Parse(["--transport", "ssh", "--hostfile", "/etc/mpi/hostfile", "--skip", "a", "--skip", "b", "--timeout", "1m30s", "--ssh-args", "-p  2222", "--notice", "/x"]);

        Assert.Equal("/etc/mpi/hostfile", options.HostfilePath);
        Assert.Equal(["a", "b"], options.Skip);
        Assert.Equal(["-p", "2222"], options.SshArgs);
        Assert.Equal("/x", options.NoticePath);
        Assert.Equal(TimeSpan.FromSeconds(90), options.Pace.Timeout);
    }

    [Theory]
    [InlineData("10m", 600)]
    [InlineData("1h30m", 5400)]
    [InlineData("90s", 90)]
    [InlineData("1.5s", 1.5)]
    [InlineData("500ms", 0.5)]
    public void Durations_are_written_as_go_writes_them(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), GateOptions.Duration(text));

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("m")]
    [InlineData("10m5")]
    [InlineData("10 m")]
    [InlineData("-1s")]
    [InlineData("1d")]
    public void What_is_no_duration_is_refused(string text) => Assert.Throws<UsageException>(() => GateOptions.Duration(text));

    [Theory]
    [InlineData("gate: --transport must be ssh, agent or exec; it is missing.", "--hostfile", "h")]
    [InlineData("gate: --transport must be ssh, agent or exec; it is telnet.", "--transport", "telnet")]
    [InlineData("gate: --hostfile is missing.", "--transport", "ssh")]
    [InlineData("gate: unknown option --port.", "--port", "22")]
    [InlineData("gate: --skip needs a value.", "--transport", "ssh", "--skip")]
    public void A_wrong_command_line_is_refused_with_its_fault(string message, params string[] args) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => GateOptions.Parse(args)).Message);
}
