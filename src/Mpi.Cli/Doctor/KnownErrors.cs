using System.Collections.Immutable;

namespace Mpi.Cli;

/// <summary>What to do about what ssh, sshd, MPI and Kubernetes usually say; docs/troubleshooting.md has the same and more.</summary>
internal static class KnownErrors
{
    /// <summary>The first that is found counts: what names a cause stands before what names its consequence.</summary>
    public static ImmutableArray<(string Text, string Remedy)> All { get; } =
    [
        ("Permission denied (publickey", "StrictModes no in sshd_config; the same runAsUser in both roles; sshAuthMountPath = that user's home + /.ssh"),
        ("no hostkeys available", "sshAuthMountPath in the home of sshd's user"),
        ("are too open", "drop fsGroup, or run as a user other than root; leave sshAuthMountPath at /root/.ssh for root"),
        ("No user exists for uid", "add the user to the image's /etc/passwd"),
        ("Missing privilege separation directory", "create /run/sshd in the image"),
        ("sshd re-exec requires execution with an absolute path", "write the command as /usr/sbin/sshd"),
        ("Host key verification failed", "StrictHostKeyChecking no and UserKnownHostsFile /dev/null in the image's ssh_config"),
        ("Connection refused", "does sshd run in the workers, and on the port that the image's ssh_config names? With transport agent no sshd is needed"),
        ("Could not resolve hostname", "normal for a moment; if it stays, look at the job's Service and at the cluster's DNS"),
        ("has detected an attempt to run as root", "mpirun --allow-run-as-root, or a runAsUser other than 0"),
        ("There are not enough slots available", "lower -n, or raise slotsPerWorker or the number of workers"),
        ("orted: command not found", "call mpirun by its absolute path, or add MPI to the PATH of ssh sessions"),
        ("ORTE was unable to reliably start one or more daemons", "the lines above it name the host; is orted on the PATH of an ssh session there?"),
        ("executable file not found in $PATH", "the image lacks that program"),
        ("exceeded quota", "ask for less, or have the namespace's ResourceQuota raised (kubectl describe quota)"),
        ("violates PodSecurity", "the namespace allows less than the pod asks for; examples/cerit and examples/agent run under a restricted policy"),
        ("ImagePullBackOff", "is the image's name right, and does the pod have the imagePullSecrets that it needs?"),
        ("ErrImagePull", "is the image's name right, and does the pod have the imagePullSecrets that it needs?"),
    ];

    /// <summary>Null where nothing in the text is known.</summary>
    public static string? RemedyFor(string text) => All.FirstOrDefault(e => text.Contains(e.Text, StringComparison.Ordinal)).Remedy;
}
