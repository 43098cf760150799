using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class OwnHostTests : IDisposable
{
    private readonly TestEnvironment _test = new();

    public OwnHostTests() => _test.Variables["KUBEMPI_AGENT_NAME"] = "pi-launcher";

    public void Dispose() => _test.Dispose();

    [Theory]
    [InlineData("pi-launcher")]
    [InlineData("pi-launcher.pi.default.svc")]
    public void The_launcher_is_called_by_its_jobs_name(string host) => Assert.True(OwnHost.IsMeantBy(Call(host), _test.Agent));

    [Fact]
    public void The_launcher_is_called_by_its_hosts_name() => Assert.True(OwnHost.IsMeantBy(Call(Environment.MachineName), _test.Agent));

    [Theory]
    [InlineData("pi-worker-0.pi.default.svc")]
    [InlineData("pi-launcher-0")]
    [InlineData("10.1.2.3")]
    public void Another_host_is_a_workers(string host) => Assert.False(OwnHost.IsMeantBy(Call(host), _test.Agent));

    private static RemoteShellCall Call(string host) => RemoteShellCall.Parse(["-x", host, "true"]);
}
