using System.Net;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class RemoteShellCallTests
{
    [Theory]
    [InlineData("ompi4-bare", " orted")]
    [InlineData("mpich-bare", "\"/usr/bin/hydra_pmi_proxy\"")]
    public void The_host_stands_behind_sshs_options(string recorded, string firstWord)
    {
        var call = Recorded.Call(recorded);

        Assert.Equal("127.0.9.1", call.Host);
        Assert.Equal(firstWord, call.Words[0]);
    }

    [Theory]
    [InlineData("-o", "ConnectionAttempts=10", "host", "true")]
    [InlineData("-oBatchMode=yes", "-p2222", "-l", "user", "host", "true")]
    [InlineData("-xqp", "22", "user@host", "true")]
    [InlineData("-x", "--", "host", "true")]
    public void Options_with_and_without_values_are_passed_over(params string[] args)
    {
        var call = RemoteShellCall.Parse(args);

        Assert.Equal("host", call.Host);
        Assert.Equal(["true"], call.Words);
    }

    [Fact]
    public void A_call_without_a_host_or_a_command_says_so()
    {
        Assert.Contains("no host", Assert.Throws<UsageException>(static () => RemoteShellCall.Parse(["-x"])).Message, StringComparison.Ordinal);
        Assert.Contains("no command", Assert.Throws<UsageException>(static () => RemoteShellCall.Parse(["host"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pi-launcher")]
    [InlineData("pi-launcher.pi.default.svc")]
    public void Hydras_control_port_gets_the_address_that_the_worker_has_reached(string ownHost)
    {
        var before = Recorded.Call("mpich-bare");
        var port = ControlPort(before).Split(':')[1];

        Assert.Equal($"10.1.2.3:{port}", ControlPort(before.WithControlPort(ownHost, IPAddress.Parse("10.1.2.3"))));
        Assert.Equal($"10.1.2.3:{port}", ControlPort(before.WithControlPort(ownHost, IPAddress.Parse("::ffff:10.1.2.3"))));
    }

    [Fact]
    public void What_is_not_the_launchers_own_name_stays()
    {
        var iface = Recorded.Call("mpich-iface");
        var ompi = Recorded.Call("ompi4-bare");

        Assert.Equal(iface.Words, iface.WithControlPort("pi-launcher", IPAddress.Parse("10.1.2.3")).Words);
        Assert.Equal(ompi.Words, ompi.WithControlPort("pi-launcher", IPAddress.Parse("10.1.2.3")).Words);
        // Hydra takes the first colon for the port's.
        var bare = Recorded.Call("mpich-bare");
        Assert.Equal(bare.Words, bare.WithControlPort("pi-launcher", IPAddress.Parse("fd00::1")).Words);
    }

    private static string ControlPort(RemoteShellCall call) => call.Words[call.Words.IndexOf("--control-port") + 1];
}
