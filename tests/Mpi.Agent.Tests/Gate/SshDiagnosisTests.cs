using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

public sealed class SshDiagnosisTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    public void Any_exit_code_but_255_means_that_somebody_was_logged_in(int code) =>
        Assert.IsType<ProbeResult.Reached>(SshDiagnosis.Of(code, "This account is currently not available."));

    [Fact]
    public void A_refused_command_after_the_login_is_told_apart() =>
        Assert.IsType<ProbeResult.CommandForbidden>(SshDiagnosis.Of(255, "exec request failed on channel 0\r\n"));

    [Theory]
    [InlineData(UnreachableCause.NameUnknown, "ssh: Could not resolve hostname pi-worker-0.pi.default.svc: Name or service not known\r\n")]
    [InlineData(UnreachableCause.Refused, "ssh: connect to host pi-worker-0 port 2222: Connection refused\r\n")]
    [InlineData(UnreachableCause.Silent, "ssh: connect to host pi-worker-0 port 22: Connection timed out\r\n")]
    [InlineData(UnreachableCause.Silent, "ssh: connect to host pi-worker-0 port 22: No route to host\r\n")]
    [InlineData(UnreachableCause.PermissionDenied, "Warning: Permanently added 'w' (RSA) to the list of known hosts.\r\nmpiuser@w: Permission denied (publickey,password).\r\n")]
    [InlineData(UnreachableCause.HostKey, "No ECDSA host key is known for w and you have requested strict checking.\r\nHost key verification failed.\r\n")]
    [InlineData(UnreachableCause.NoSuchUser, "No user exists for uid 4711\r\n")]
    [InlineData(UnreachableCause.Closed, "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by 10.0.0.3 port 22\r\n")]
    [InlineData(UnreachableCause.Other, "no such identity: /nowhere: No such file or directory\r\n")]
    public void Words_of_ssh_name_the_cause(UnreachableCause cause, string error) =>
        Assert.Equal(cause, Assert.IsType<ProbeResult.Failed>(SshDiagnosis.Of(255, error)).Cause);

    [Fact]
    public void A_key_with_open_mode_is_named_rather_than_the_denial_it_leads_to()
    {
        const string error = """
            @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
            @         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
            @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
            Permissions 0644 for '/root/.ssh/id_rsa' are too open.
            It is required that your private key files are NOT accessible by others.
            This private key will be ignored.
            Load key "/root/.ssh/id_rsa": bad permissions
            root@w: Permission denied (publickey).
            """;

        var failed = Assert.IsType<ProbeResult.Failed>(SshDiagnosis.Of(255, error));

        Assert.Equal(UnreachableCause.KeyMode, failed.Cause);
        Assert.StartsWith("Permissions 0644 for '/root/.ssh/id_rsa' are too open.", failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reason_is_the_conclusion_and_not_the_warnings_before_it() =>
        Assert.Equal(
            "ssh: connect to host w port 22: Connection refused",
            Assert.IsType<ProbeResult.Failed>(SshDiagnosis.Of(255, "Warning: something\r\nssh: connect to host w port 22: Connection refused\r\n")).Reason);

    [Fact]
    public void A_silent_failure_still_has_a_reason() =>
        Assert.Equal("ssh failed and printed nothing", Assert.IsType<ProbeResult.Failed>(SshDiagnosis.Of(255, "")).Reason);
}
