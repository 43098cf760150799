using Kube.Nodes.Linux;

namespace Kube.Nodes.Tests;

[Trait("Category", "sandbox")]
public sealed class SandboxTests
{
    [Fact]
    public async Task A_container_has_its_own_host_name_address_and_process_tree()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (code, text) = await sandbox.RunAsync(pod, "hostname; ip -4 -o addr show eth0 | grep -o 'inet [0-9.]*'; [ $(ls /proc | grep -c '^[0-9]') -lt 8 ] && echo few; echo $PPID");
        Assert.Equal("w0\ninet 10.244.0.2\nfew\n1\n", text);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task The_machines_programs_are_there_and_cannot_be_changed()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (_, text) = await sandbox.RunAsync(pod, "touch /usr/x /opt/x 2>&1 | grep -c 'Read-only'; touch /etc/new /run/new /var/new /tmp/new && echo own; ls / | tr '\n' ' '");
        Assert.Equal("2\nown\nbin dev etc home lib lib64 mnt opt proc root run sbin srv sys tmp usr var \n".Trim(), text.Trim());
    }

    [Fact]
    public async Task A_program_can_be_put_beside_the_machines()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (_, text) = await sandbox.RunAsync(
            pod,
            "mine; ls /usr/bin/env; ls -d /usr/lib",
            root: static root => root.Write("/usr/local/bin/mine", "#!/bin/sh\necho mine\n", (UnixFileMode)0b111_101_101));
        Assert.Equal("mine\n/usr/bin/env\n/usr/lib\n", text);
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_refused_in_the_runtimes_words()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (_, text) = await sandbox.RunAsync(pod, "", change: static s => s with { Command = ["no-such"] });
        Assert.Equal("exec: \"no-such\": executable file not found in $PATH", text);
        (_, text) = await sandbox.RunAsync(pod, "", change: static s => s with { Command = ["/no/such"] });
        Assert.Equal("exec: \"/no/such\": stat /no/such: no such file or directory", text);
    }

    [Fact]
    public async Task The_user_is_the_one_asked_for_and_has_no_rights_and_no_ignored_signals()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (code, text) = await sandbox.RunAsync(pod, "id -u; id -g; grep -E 'CapEff|SigIgn' /proc/self/status | tr -d '\t'; exit 3", uid: 1000);
        Assert.Equal("1000\n1000\nSigIgn:0000000000000000\nCapEff:0000000000000000\n", text);
        Assert.Equal(3, code);
    }

    [Fact]
    public async Task Orphans_are_reaped_and_the_rest_dies_with_the_command()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (_, text) = await sandbox.RunAsync(pod, "(sleep 0.05 &) ; (sleep 0.1 &) ; sleep 0.4; grep -l zombie /proc/[0-9]*/status | wc -l; setsid sleep 1000 & exit 0");
        Assert.Equal("0\n", text);
        Assert.DoesNotContain(ProcessTree.All(), static pid => ProcessTree.Read($"/proc/{pid}/cmdline") == "sleep\01000\0");
    }

    [Fact]
    public async Task A_killed_command_ends_with_128_plus_the_signal_and_nothing_of_ours_in_its_log()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (code, text) = await sandbox.RunAsync(pod, "kill -9 $$");
        Assert.Equal((137, ""), (code, text));
    }
}
