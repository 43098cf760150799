namespace Mpi.Cli.Tests;

/// <summary>A root file system in a folder of its own, made file by file and deleted with it.</summary>
internal sealed class ScratchRoot : IDisposable
{
    private const UnixFileMode Program = (UnixFileMode)0b111_101_101;

    public string Folder { get; } = Directory.CreateTempSubdirectory("kubempi-root-").FullName;

    /// <summary>As CERIT-SC's documentation asks for: Debian with Open MPI, sshd for user 1000.</summary>
    public static ScratchRoot Cerit()
    {
        var root = new ScratchRoot();
        root.Programs("/usr/bin/dash", "/usr/bin/bash", "/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/orted", "/usr/bin/mpirun.openmpi");
        root.Link("/bin", "usr/bin").Link("/usr/bin/sh", "dash").Link("/usr/bin/mpirun", "/etc/alternatives/mpirun").Link("/etc/alternatives/mpirun", "/usr/bin/mpirun.openmpi");
        root.Folders("/home/user", "/run/sshd", "/root").Link("/var/run", "/run");
        root.Text("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nuser:x:1000:1000::/home/user:/bin/sh\n");
        root.Text("/etc/shadow", "root:*:19000:0:99999:7:::\nuser:!:19000:0:99999:7:::\n");
        root.Text("/etc/ssh/sshd_config", "StrictModes no\nPidFile /tmp/sshd.pid\nHostKey ~/.ssh/id_rsa\nPort 2222\nListenAddress 0.0.0.0\n");
        return root.Text("/etc/ssh/ssh_config", "Include /etc/ssh/ssh_config.d/*.conf\n\nHost *\n    StrictHostKeyChecking no\n    SendEnv LANG LC_*\n    UserKnownHostsFile /dev/null\n   Port 2222\n");
    }

    public ScratchRoot Programs(params ReadOnlySpan<string> paths)
    {
        foreach (var path in paths) File.SetUnixFileMode(Write(path, "#!/bin/sh\n"), Program);
        return this;
    }

    public ScratchRoot Folders(params ReadOnlySpan<string> paths)
    {
        foreach (var path in paths) Directory.CreateDirectory(Folder + path);
        return this;
    }

    public ScratchRoot Text(string path, string text)
    {
        Write(path, text);
        return this;
    }

    public ScratchRoot Replace(string path, string old, string with) => Text(path, File.ReadAllText(Folder + path).Replace(old, with, StringComparison.Ordinal));

    public ScratchRoot Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Folder + path)!);
        File.CreateSymbolicLink(Folder + path, target);
        return this;
    }

    public ScratchRoot Without(string path)
    {
        if (Directory.Exists(Folder + path)) Directory.Delete(Folder + path, recursive: true);
        else File.Delete(Folder + path);
        return this;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private string Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Folder + path)!);
        File.WriteAllText(Folder + path, text);
        return Folder + path;
    }
}
