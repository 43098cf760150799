using Mpi.Dialects;
using Mpi.Model;

namespace Mpi.Cli.Tests;

/// <summary>Each rule of the image contract: what breaks it, and what it says. The root file systems are real ones, in folders.</summary>
public sealed class ImageContractTests
{
    private const string Sshd = "/etc/ssh/sshd_config";
    private const string Ssh = "/etc/ssh/ssh_config";

    [Fact]
    public void An_image_of_the_CERIT_style_honours_the_contract_and_says_what_the_manifest_needs()
    {
        using var root = ScratchRoot.Cerit();
        Assert.Equal(
            """
            IMAGE over ssh as user (UID 1000, home /home/user) with Open MPI 4 honours the contract.
            In the manifest:
              spec.sshAuthMountPath: /home/user/.ssh
              securityContext.runAsUser: 1000 in both roles

            """,
            Check(root).ToText("IMAGE"));
    }

    [Theory]
    [InlineData(Sshd, "HostKey ~/.ssh/id_rsa", "", Sshd, "there is no host key that UID 1000 could read (\"no hostkeys available\")")]
    [InlineData(Sshd, "~/.ssh/id_rsa", "/home/user/.ssh/id_ed25519", Sshd, "there is no host key that UID 1000 could read (\"no hostkeys available\")")]
    [InlineData(Sshd, "StrictModes no", "#StrictModes no", Sshd, "StrictModes is on, and keys that are mounted from a Secret lie in a folder that anybody may write (\"Permission denied (publickey)\")")]
    [InlineData(Sshd, "StrictModes no", "strictmodes=no\nUsePAM yes", Sshd, "an sshd without root cannot use PAM, and closes every connection (\"Connection closed by\")")]
    [InlineData(Sshd, "StrictModes no", "StrictModes no\nPubkeyAuthentication no", Sshd, "logins by key are switched off")]
    [InlineData(Sshd, "StrictModes no", "StrictModes no\nAuthorizedKeysFile /etc/keys/%u", Sshd, "authorized keys are looked for in /etc/keys/%u, and mounted as /home/user/.ssh/authorized_keys")]
    [InlineData(Ssh, "Port 2222", "", Ssh, "the client calls port 22, and sshd listens on 2222")]
    [InlineData(Ssh, "StrictHostKeyChecking no", "", Ssh, "the client refuses hosts that it has never seen, and the hosts of a job are always new (\"Host key verification failed\")")]
    [InlineData("/etc/passwd", ":/bin/sh\n", ":/usr/sbin/nologin\n", "/etc/passwd", "the shell of user is /usr/sbin/nologin, which ends every login")]
    [InlineData("/etc/passwd", ":/bin/sh\n", ":/bin/zsh\n", "/bin/zsh", "the shell of user does not exist")]
    [InlineData("/etc/passwd", "/home/user:", "/home/other:", "/home/other", "the home of user does not exist")]
    public void A_setting_that_breaks_the_contract_is_a_fault(string file, string old, string with, string path, string message)
    {
        using var root = ScratchRoot.Cerit().Replace(file, old, with);
        var finding = Assert.Single(Check(root, "user").Findings);
        Assert.Equal((FindingSeverity.Error, path, message), (finding.Severity, finding.Path, finding.Message));
        Assert.NotEmpty(finding.Fix);
    }

    [Theory]
    [InlineData(Sshd, "PidFile /tmp/sshd.pid", "", "UID 1000 cannot write /run/sshd.pid; sshd complains and works all the same")]
    [InlineData(Ssh, "UserKnownHostsFile /dev/null", "", "the client wants to write known_hosts, and /home/user/.ssh is read-only; it says so at every login, and works")]
    public void What_only_complains_is_a_warning(string file, string old, string with, string message)
    {
        using var root = ScratchRoot.Cerit().Replace(file, old, with);
        var report = Check(root);
        Assert.Equal((FindingSeverity.Warning, message), (Assert.Single(report.Findings).Severity, report.Findings[0].Message));
        Assert.True(report.Honours);
    }

    [Theory]
    [InlineData("/usr/sbin/sshd", "there is no sshd")]
    [InlineData("/usr/bin/ssh", "there is no ssh, by which the launcher reaches the workers")]
    [InlineData("/usr/bin/orted", "there is no prted or orted or hydra_pmi_proxy on this PATH")]
    [InlineData("/etc/alternatives/mpirun", "there is no mpirun on this PATH")]
    [InlineData(Sshd, "there is no configuration of sshd, and its defaults refuse keys from a Secret")]
    public void Something_missing_is_a_fault(string path, string message)
    {
        using var root = ScratchRoot.Cerit().Without(path);
        Assert.Contains(message, Check(root).Findings.Where(static f => f.Severity == FindingSeverity.Error).Select(static f => f.Message));
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        using var root = ScratchRoot.Cerit().Text(Sshd, "UsePAM yes\n").Text(Ssh, "");
        Assert.Equal(7, Check(root).Findings.Length);
        Assert.StartsWith("IMAGE over ssh as user (UID 1000, home /home/user) with Open MPI 4: 5 faults, 2 warnings.\n  /etc/ssh/sshd_config: UID 1000 cannot bind port 22. Fix: Port 2222,", Check(root).ToText("IMAGE"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_without_an_account_cannot_use_ssh()
    {
        using var root = ScratchRoot.Cerit();
        Assert.Equal("UID 1001 has no account, and neither sshd nor ssh works for such a user (\"No user exists for uid\")", Assert.Single(Check(root, "1001").Findings).Message);
        Assert.Throws<ArgumentException>(() => Check(root, "somebody"));
    }

    [Fact]
    public void The_agent_needs_mpi_and_nothing_else_and_any_user_will_do()
    {
        using var root = ScratchRoot.Cerit().Without("/etc/ssh").Without("/usr/sbin/sshd").Without("/usr/bin/ssh").Without("/usr/bin/dash").Without("/etc/passwd");
        var report = ImageContract.Check(new RootFolder(root.Folder), new ImageQuestion(Transport.Agent, "12345"));
        Assert.Empty(report.Findings);
        Assert.Contains("kubempi.dev/transport: agent", report.ToText("x"), StringComparison.Ordinal);
        Assert.Equal("there is no shell, and what is started through the Kubernetes API is started by one", Assert.Single(ImageContract.Check(new RootFolder(root.Folder), new ImageQuestion(Transport.Exec, "12345")).Findings).Message);
    }

    [Fact]
    public void Root_has_rules_of_its_own()
    {
        using var root = ScratchRoot.Cerit().Replace(Sshd, "Port 2222", "").Replace(Ssh, "Port 2222", "").Replace(Sshd, "StrictModes no", "StrictModes no\nUsePAM yes");
        Assert.Empty(Check(root, "0").Findings);
        Assert.Contains("--allow-run-as-root", Check(root, "root").ToText("x"), StringComparison.Ordinal);

        root.Without("/run/sshd").Replace(Sshd, "UsePAM yes", "PermitRootLogin no").Replace("/etc/shadow", "root:*", "root:!");
        Assert.Equal(
            ["an sshd of root needs this folder (\"Missing privilege separation directory\")", "root may not log in", "the account root is locked, and sshd lets nobody into a locked account"],
            Check(root, "0").Findings.Select(static f => f.Message));
    }

    [Fact]
    public void Host_keys_of_the_image_will_do_for_who_may_read_them()
    {
        using var root = ScratchRoot.Cerit().Replace(Sshd, "HostKey ~/.ssh/id_rsa", "").Text("/etc/ssh/ssh_host_rsa_key", "KEY");
        File.SetUnixFileMode(root.Folder + "/etc/ssh/ssh_host_rsa_key", UnixFileMode.UserRead);
        Assert.Empty(Check(root, "0").Findings);
        Assert.Single(Check(root, "1000").Findings);
        File.SetUnixFileMode(root.Folder + "/etc/ssh/ssh_host_rsa_key", UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Empty(Check(root, "1000").Findings);
    }

    [Fact]
    public void A_daemon_that_ssh_sessions_do_not_find_is_named_with_both_ways_out()
    {
        using var root = ScratchRoot.Cerit().Without("/usr/bin/orted").Without("/usr/bin/mpirun").Programs("/opt/mpi/bin/mpirun", "/opt/mpi/bin/prted");
        var report = ImageContract.Check(new RootFolder(root.Folder), new ImageQuestion(Transport.Ssh, SearchPath: "/opt/mpi/bin:/usr/bin"));
        var finding = Assert.Single(report.Findings);
        Assert.Equal(
            "/opt/mpi/bin/prted: warning: ssh sessions have a PATH of their own (/usr/local/bin:/usr/bin:/bin), which does not lead to prted. Fix: RUN ln -s /opt/mpi/bin/prted /usr/local/bin/prted, or call mpirun by its full path (/opt/mpi/bin/mpirun).",
            finding.ToString());
        Assert.Equal("Open MPI 5", report.Mpi?.Name);
    }

    [Fact]
    public void The_mpi_of_an_image_with_two_is_the_one_that_mpirun_belongs_to()
    {
        using var root = ScratchRoot.Cerit().Programs("/usr/bin/hydra_pmi_proxy", "/usr/bin/mpiexec.hydra");
        Assert.Equal("Open MPI 4", Check(root).Mpi?.Name);
        root.Without("/etc/alternatives/mpirun").Link("/etc/alternatives/mpirun", "/usr/bin/mpiexec.hydra");
        Assert.Equal("MPICH", Check(root).Mpi?.Name);
        Assert.Contains("spec.mpiImplementation: MPICH", Check(root).ToText("x"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_of_the_users_own_is_checked_when_sshd_is_started_with_it()
    {
        using var root = ScratchRoot.Cerit().Text(Sshd, "Port 2222\n").Text("/home/user/.sshd_config", "PidFile /home/user/sshd.pid\nHostKey /home/user/.ssh/id_rsa\nStrictModes no\nPort 2222\n");
        Assert.False(Check(root).Honours);
        Assert.Empty(ImageContract.Check(new RootFolder(root.Folder), new ImageQuestion(Transport.Ssh, SshdConfig: "/home/user/.sshd_config")).Findings);
    }

    [Fact]
    public void Settings_are_read_as_openssh_reads_them()
    {
        using var root = new ScratchRoot().Text("/etc/ssh/a.d/2.conf", "Port 1\nHostKey /two").Text("/etc/ssh/a.d/1.conf", "HostKey \"/o n e\" # why\r\n").Text("/etc/ssh/a.d/3.txt", "Port 7")
            .Text("/c", "Include a.d/*.conf\nPort 9\nMatch User x\nStrictModes no\nInclude /etc/ssh/a.d/3.txt\nMatch all\nUsePAM=yes\nHost a *\nLogLevel  ERROR\nHost !b *\nBatchMode yes\n");
        var settings = SshSettings.Read(new RootFolder(root.Folder), "/c");
        Assert.Equal(("1", "/etc/ssh/a.d/2.conf"), (settings["port"], settings.Place("PORT")));
        Assert.Equal(["/o n e", "/two"], settings.HostKeys);
        Assert.Equal((null, "yes", "ERROR", null, "/c"), (settings["StrictModes"], settings["UsePAM"], settings["LogLevel"], settings["BatchMode"], settings.Place("StrictModes")));
    }

    [Fact]
    public void Links_never_lead_out_of_the_image()
    {
        using var root = new ScratchRoot().Link("/a", "/etc/hostname").Link("/b", "../../../../../../etc/hostname").Link("/loop", "loop").Link("/up", "..").Text("/x", "here");
        var files = new RootFolder(root.Folder);
        Assert.Null(files.Find("/a"));
        Assert.Null(files.Find("/b"));
        Assert.Null(files.Find("/loop"));
        Assert.Equal(["here"], files.Lines("/up/../up/x"));
    }

    private static ImageReport Check(ScratchRoot root, string? user = null) => ImageContract.Check(new RootFolder(root.Folder), new ImageQuestion(Transport.Ssh, user));
}
