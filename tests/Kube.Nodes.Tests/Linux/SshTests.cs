using System.Diagnostics;
using Kube.Nodes.Linux;
using Kube.Types;

namespace Kube.Nodes.Tests;

/// <summary>The use that everything here is for: hosts that log into each other by name, with sshd and keys as they come.</summary>
[Trait("Category", "sandbox")]
public sealed class SshTests
{
    [Fact]
    public async Task Two_pods_run_an_unmodified_sshd_on_the_same_port_as_an_ordinary_user_and_log_into_each_other_by_name()
    {
        await using var node = await NodeFixture.StartAsync();
        await LogInAsync(node, "cerit/mpi", 1000, "/home/user/.ssh", keyMode: 420, "ssh -o BatchMode=yes w1.hosts 'hostname; id -un; hostname -f'");
        Assert.Equal("w1\nuser\nw1.hosts.default.svc.cluster.local\n", await node.LogAsync("w0", "main"));
    }

    [Fact]
    public async Task A_root_sshd_parts_its_privileges_and_refuses_no_key_of_mode_0600()
    {
        await using var node = await NodeFixture.StartAsync();
        if (node.Node.Mode == SandboxMode.SingleId) Assert.Skip("UID 0 cannot change its user without a subordinate range");
        await LogInAsync(node, "mpioperator/base", 0, "/root/.ssh", keyMode: 384, "ssh -o BatchMode=yes w1.hosts 'hostname; id -un'");
        Assert.Equal("w1\nroot\n", await node.LogAsync("w0", "main"));
    }

    private static async Task LogInAsync(NodeFixture node, string image, int uid, string keys, int keyMode, string script)
    {
        var (secret, open) = await KeyPairAsync();
        await node.ApplyAsync($"""
            apiVersion: v1
            kind: Secret
            metadata: {"{"}name: keys{"}"}
            data: {"{"}private: {secret}, public: {open}{"}"}
            """);
        foreach (var (name, command) in new[] { ("w1", ""), ("w0", $"command: [bash, -c, \"for i in $(seq 50); do {script.Replace("\"", "\\\"", StringComparison.Ordinal)} 2>/tmp/e && exit 0; sleep 0.1; done; cat /tmp/e; exit 1\"]") })
        {
            await node.ApplyAsync($"""
                apiVersion: v1
                kind: Pod
                metadata: {"{"}name: {name}{"}"}
                spec:
                  hostname: {name}
                  subdomain: hosts
                  restartPolicy: Never
                  volumes:
                  - name: keys
                    secret:
                      secretName: keys
                      defaultMode: {keyMode}
                      items:
                      - {"{"}key: private, path: id_rsa{"}"}
                      - {"{"}key: public, path: id_rsa.pub{"}"}
                      - {"{"}key: public, path: authorized_keys{"}"}
                  containers:
                  - name: main
                    image: {image}
                    {(command.Length > 0 ? command : "command: [/usr/sbin/sshd, -De]")}
                    securityContext: {"{"}runAsUser: {uid}{"}"}
                    volumeMounts: [{"{"}name: keys, mountPath: {keys}{"}"}]
                """);
            if (command.Length == 0) await node.WaitPhaseAsync(name, "Running");
        }

        try
        {
            await node.WaitPhaseAsync("w0", "Succeeded");
        }
        catch (TimeoutException late)
        {
            Assert.Fail($"{late.Message}\nw0: {await node.LogAsync("w0", "main")}\nw1: {await node.LogAsync("w1", "main")}");
        }
    }

    private static async Task<(string Private, string Public)> KeyPairAsync()
    {
        var folder = Directory.CreateTempSubdirectory("kube-nodes-keys");
        try
        {
            var path = Path.Join(folder.FullName, "key");
            using var process = Process.Start("ssh-keygen", ["-q", "-t", "ecdsa", "-b", "521", "-m", "PEM", "-N", "", "-f", path]);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (Convert.ToBase64String(await File.ReadAllBytesAsync(path)), Convert.ToBase64String(await File.ReadAllBytesAsync(path + ".pub")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
