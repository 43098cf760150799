using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class HostfileTests
{
    [Fact]
    public void Hosts_of_every_flavour_are_read_in_order_and_once()
    {
        const string text = """
            # made by hand
            pi-worker-1.pi.default.svc slots=2

            pi-worker-0.pi.default.svc:4   # MPICH
            pi-worker-0.pi.default.svc
            bare max_slots=3
            [fd00::1]:2
            fd00::2
            """;

        Assert.Equal(["pi-worker-1.pi.default.svc", "pi-worker-0.pi.default.svc", "bare", "fd00::1", "fd00::2"], Hostfile.Hosts(text));
    }

    [Fact]
    public void An_empty_hostfile_has_no_hosts() => Assert.Empty(Hostfile.Hosts("\n# nothing\n"));
}
