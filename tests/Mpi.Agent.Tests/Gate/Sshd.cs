using System.Diagnostics;

namespace Mpi.Agent.Tests;

/// <summary>
/// A real sshd without privileges on a free loopback port, as in a worker that runs as an ordinary user; and the matching
/// client configuration, in which any host name means this machine.
/// </summary>
internal sealed class Sshd : IDisposable
{
    private const string Program = "/usr/sbin/sshd";
    private readonly string folder;
    private readonly string extraConfig;
    private readonly ReservedPort port = new();
    private Process? process;

    public Sshd(TestEnvironment test, string name, string extraConfig = "")
    {
        Assert.SkipUnless(File.Exists(Program), "needs sshd (package openssh-server)");
        folder = test.File(name);
        this.extraConfig = extraConfig;
        Directory.CreateDirectory(folder);
        Key("host_key");
        Key("id");
        File.Copy(In("id.pub"), In("authorized_keys"));
    }

    public int Port => port.Number;

    /// <summary>A stanza for the client's configuration.</summary>
    public string Stanza(string host) => $"""
        Host {host}
          HostName 127.0.0.1
          Port {Port}
          User {User}
          IdentityFile {In("id")}
          IdentitiesOnly yes
          StrictHostKeyChecking no
          UserKnownHostsFile /dev/null

        """;

    public void Start()
    {
        File.WriteAllText(In("config"), $"""
            Port {Port}
            ListenAddress 127.0.0.1
            HostKey {In("host_key")}
            AuthorizedKeysFile {In("authorized_keys")}
            StrictModes no
            PidFile none
            {extraConfig}

            """);
        string[] sshd = [Program, "-De", "-f", In("config"), "-E", In("log")];
        process = Environment.IsPrivilegedProcess ? Process.Start("unshare", AsMpiUser(sshd)) : Process.Start(sshd[0], sshd[1..]);
    }

    /// <summary>From now on another key is wanted.</summary>
    public void ForgetKey() => File.WriteAllText(In("authorized_keys"), "");

    public void Dispose()
    {
        port.Dispose();
        if (process is null) return;
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    /// <summary>Who sshd runs as, and so the only one who can log in: ourselves, or for root a user that we make.</summary>
    private static string User => Environment.IsPrivilegedProcess ? "mpiuser" : Environment.UserName;

    /// <summary>As UID 1000, which has an account in this process's view of the machine only.</summary>
    private string[] AsMpiUser(string[] command)
    {
        File.WriteAllText(In("passwd"), $"root:x:0:0:root:/root:/bin/sh\nmpiuser:x:1000:1000::{folder}:/bin/sh\n");
        File.WriteAllText(In("shadow"), "root:*:19000:0:99999:7:::\nmpiuser:*:19000:0:99999:7:::\n");
        return ["--mount", "sh", "-c", $"mount --bind {In("passwd")} /etc/passwd; mount --bind {In("shadow")} /etc/shadow; exec setpriv --reuid=1000 --regid=1000 --clear-groups \"$@\"", "sh", .. command];
    }

    private string In(string name) => Path.Combine(folder, name);

    private void Key(string name)
    {
        using var keygen = Process.Start("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", In(name)])!;
        keygen.WaitForExit();
        Assert.Equal(0, keygen.ExitCode);
        if (!Environment.IsPrivilegedProcess || name != "host_key") return;
        using var chown = Process.Start("chown", ["1000:1000", In(name), folder])!;
        chown.WaitForExit();
        // The folder above is ours alone; sshd's user must get through it.
        File.SetUnixFileMode(Path.GetDirectoryName(folder)!, (UnixFileMode)0b111_001_001);
    }
}
