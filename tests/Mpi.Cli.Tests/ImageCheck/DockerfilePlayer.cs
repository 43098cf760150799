using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Mpi.Cli.Tests;

/// <summary>
/// What the steps of a Dockerfile make of a root file system, without a container engine: RUN steps are run by a shell whose package manager brings
/// the files by which packages are known, and whose useradd writes a line and a home. Paths of the image are below the root.
/// </summary>
internal static partial class DockerfilePlayer
{
    private const string Tools =
        """
        set -eu
        put() { for f; do mkdir -p "$ROOT$(dirname "$f")"; printf '#!/bin/sh\n' > "$ROOT$f"; chmod 755 "$ROOT$f"; done; }
        apt-get() { for word; do case $word in
          openmpi-bin) put /usr/bin/mpirun /usr/bin/orted;;
          mpich) put /usr/bin/mpiexec.hydra /usr/bin/hydra_pmi_proxy; ln -s mpiexec.hydra "$ROOT/usr/bin/mpirun";;
          openssh-server) put /usr/sbin/sshd; mkdir -p "$ROOT/etc/ssh"; printf 'Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n' > "$ROOT/etc/ssh/sshd_config"; echo KEY > "$ROOT/etc/ssh/ssh_host_rsa_key"; chmod 600 "$ROOT/etc/ssh/ssh_host_rsa_key";;
          openssh-client) put /usr/bin/ssh; mkdir -p "$ROOT/etc/ssh"; printf 'Host *\n    SendEnv LANG\n' > "$ROOT/etc/ssh/ssh_config";;
        esac; done; }
        useradd() { [ "$1 $2 $4" = "-m -u -s" ]; echo "$6:x:$3:$3::/home/$6:$5" >> "$ROOT/etc/passwd"; mkdir -p "$ROOT/home/$6"; }
        chown() { :; }
        """;

    /// <summary>What Debian's image has.</summary>
    public static ScratchRoot Debian() => new ScratchRoot().Text("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n").Folders("/root", "/tmp").Programs("/bin/sh", "/bin/bash");

    /// <param name="context">What COPY copies from.</param>
    public static async Task PlayAsync(string dockerfile, string context, ScratchRoot root, CancellationToken cancellation)
    {
        foreach (Match step in Step().Matches(dockerfile))
        {
            var script = step.Groups["run"] is { Success: true, Value: var run } ? ImagePlace().Replace(run.Replace("\\\n", " ", StringComparison.Ordinal), "$$ROOT/${top}/") : $"cp -a '{context}/files/.' \"$ROOT/\"";
            using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", $"{Tools}\n{script}"]) { Environment = { ["ROOT"] = root.Folder }, UseShellExecute = false, RedirectStandardError = true })!;
            var errors = await shell.StandardError.ReadToEndAsync(cancellation);
            await shell.WaitForExitAsync(cancellation);
            Assert.True(shell.ExitCode == 0, errors);
        }
    }

    [GeneratedRegex(@"^(RUN (?<run>(.*\\\n)*.*)|COPY files/ /)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Step();

    /// <summary>Paths that a step makes or takes away; those within quotes are settings.</summary>
    [GeneratedRegex("(?<=(> |-p |-rf ))/(?<top>[a-z]+)/", RegexOptions.ExplicitCapture)]
    private static partial Regex ImagePlace();
}
