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
        var (code, text) = await sandbox.RunAsync(pod, "hostname; ip -4 -o addr show eth0 | grep -o 'inet [0-9.]*'; ls /proc | grep -c '^[0-9]'; ls /; cat /etc/passwd | wc -l; id; touch /usr/x; mount");
        Assert.Fail(text);
        Assert.Equal(0, code);
    }

    [Fact]
    public async Task A_command_that_does_not_exist_is_refused_in_the_runtimes_words()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (_, text) = await sandbox.RunAsync(pod, "", change: static s => s with { Command = ["no-such"] });
        Assert.Equal("exec: \"no-such\": executable file not found in $PATH", text);
    }

    [Fact]
    public async Task The_user_is_the_one_asked_for()
    {
        await using var sandbox = await SandboxFixture.StartAsync();
        var pod = await sandbox.PodAsync("w0");
        var (code, text) = await sandbox.RunAsync(pod, "id; echo $HOME; grep -E 'Cap|Sig' /proc/self/status; exit 3", uid: 1000);
        Assert.Fail(text);
        Assert.Equal(3, code);
    }
}
