using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Cli;

/// <param name="Base">Of the Debian family: packages come by apt-get.</param>
/// <param name="User">The account's name; root for none of its own.</param>
/// <param name="Port">Where sshd listens; from 1024 on for others than root.</param>
public sealed record ImageDockerfile(Transport Transport, MpiImplementation Mpi, string Base = "debian:12-slim", string User = "user", long Uid = 1000, int Port = 2222)
{
    private const int FirstFreePort = 1024;

    private bool IsRoot => User == "root";

    /// <summary>What of these settings cannot be, each under the flag that sets it.</summary>
    public IEnumerable<string> Faults()
    {
        if (Names.CheckDns1123Label(User) is { IsEmpty: false }) yield return $"--user: \"{User}\" is no name for an account";
        if (!IsRoot && Uid is < 1 or > int.MaxValue) yield return "--uid: must be at least 1; root is --user root";
        if (Port is < 1 or > ushort.MaxValue) yield return "--port: must be between 1 and 65535";
        else if (!IsRoot && Port < FirstFreePort) yield return "--port: only root may bind a port below 1024";
    }

    /// <summary>A Dockerfile of an image that <see cref="ImageContract"/> finds no fault in.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# MPI jobs over {Transport.ToString().ToLowerInvariant()}, as {(IsRoot ? "root" : $"{User} (UID {Uid})")}; launcher and workers have the same image.\n");
        text.Append(CultureInfo.InvariantCulture, $"FROM {Base}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"RUN apt-get update \\\n && apt-get install -y --no-install-recommends {string.Join(' ', Packages())} \\\n && rm -rf /var/lib/apt/lists/*\n");
        if (!IsRoot) text.Append(CultureInfo.InvariantCulture, $"\nRUN useradd -m -u {Uid} -s /bin/bash {User}\n");
        if (Transport == Transport.Ssh) text.Append(Ssh());
        text.Append(CultureInfo.InvariantCulture, $"\n# Your program goes here.\n\nWORKDIR {(IsRoot ? "/root" : $"/home/{User}")}\n");
        if (!IsRoot) text.Append(CultureInfo.InvariantCulture, $"USER {Uid}:{Uid}\n");
        if (Transport == Transport.Ssh) text.Append("CMD [\"/usr/sbin/sshd\", \"-De\"]\n");
        return text.ToString();
    }

    private ImmutableArray<string> Packages() =>
        [Mpi == MpiImplementation.Mpich ? "mpich" : "openmpi-bin", .. Transport == Transport.Ssh ? ["openssh-server", "openssh-client"] : (string[])[]];

    /// <summary>The distribution's settings are replaced: they ask for PAM, for keys in a folder of the user's own, and for hosts that are known.</summary>
    private string Ssh() => string.Create(CultureInfo.InvariantCulture, $"""

        # The job's own key is the host key. Keys come from a Secret, whose folder is not the user's own; hosts are new in every job.
        RUN mkdir -p /run/sshd \
         && printf '%s\n' 'Port {Port}' 'HostKey ~/.ssh/id_rsa' 'StrictModes no' 'PidFile {(IsRoot ? "/run" : "/tmp")}/sshd.pid' > /etc/ssh/sshd_config \
         && printf '%s\n' 'Host *' '    Port {Port}' '    StrictHostKeyChecking no' '    UserKnownHostsFile /dev/null' '    LogLevel ERROR' > /etc/ssh/ssh_config

        """);
}
